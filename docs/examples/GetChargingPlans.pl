# perl GetChargingPlans.pl OWNER-ID
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use V3;

my ($owner) = @ARGV;
my $answer = V3::call('billing', "<bm:GetChargingPlans><c:userID>$owner</c:userID></bm:GetChargingPlans>");
print "$_->{ID} $_->{name} $_->{planType}\n" for $answer->valueof('//chargingPlan');
