# perl DelExtension.pl NUMBER
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use V3;

my ($number) = @ARGV;
my $named = "<c:extendedNumber>$number</c:extendedNumber>";
my $user = V3::call('extension', "<em:GetExtensionDetails>$named</em:GetExtensionDetails>")
    ->valueof('//parentID');
my $answer = V3::call('extension', "<em:DelExtension>$named</em:DelExtension>");
print join(': ', $answer->valueof('//result'), $answer->valueof('//items')), "\n";
my $others = V3::call('extension', "<em:GetExtensions><a:parentID>$user</a:parentID></em:GetExtensions>");
my @others = $others->valueof('//extension');
# v3 leaves the user: 2.5 knew none without an extension
V3::call('user', "<um:DelUser><c:ID>$user</c:ID></um:DelUser>") unless @others;
