# perl SetExtensionStatus.pl NUMBER 0|1
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use V3;

my ($number, $on) = @ARGV;
my $user = V3::call('extension',
    "<em:GetExtensionDetails><c:extendedNumber>$number</c:extendedNumber></em:GetExtensionDetails>"
)->valueof('//parentID');
my $answer = V3::call('user',    # all its extensions
    "<um:SetUserStatus><a:status>$on</a:status><c:ID>$user</c:ID></um:SetUserStatus>");
print $answer->valueof('//result'), "\n";
