# perl GetClientDetails.pl ID
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use V3;

my ($id) = @ARGV;
my $answer = V3::call('organization',
    "<om:GetOrganizationDetails><c:ID>$id</c:ID></om:GetOrganizationDetails>");
my $details = $answer->valueof('//GetOrganizationDetailsResponse');
print "$_: $details->{$_}\n" for qw(login name company email phone city country chargingPlanID);
