# perl DelClient.pl ID
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use V3;

my ($id) = @ARGV;    # and all its users and extensions
my $answer = V3::call('organization', "<om:DelOrganization><c:ID>$id</c:ID></om:DelOrganization>");
print join(': ', $answer->valueof('//result'), $answer->valueof('//items')), "\n";
