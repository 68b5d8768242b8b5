# perl GetExtensionDetails.pl NUMBER
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use V3;

my ($number) = @ARGV;
my $extension = V3::call('extension',
    "<em:GetExtensionDetails><c:extendedNumber>$number</c:extendedNumber></em:GetExtensionDetails>"
)->valueof('//GetExtensionDetailsResponse');
my $user = V3::call('user', "<um:GetUserDetails><c:ID>$extension->{parentID}</c:ID></um:GetUserDetails>")
    ->valueof('//GetUserDetailsResponse');
print "type: $extension->{extensionType}\nnumber: $extension->{extensionNo}\n";
print "$_: $user->{$_}\n" for qw(login name company email parentID chargingPlanID);
