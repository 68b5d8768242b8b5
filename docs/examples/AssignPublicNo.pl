# perl AssignPublicNo.pl NUMBER DID-ID
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use V3;

my ($number, $did) = @ARGV;
my $answer = V3::call('channel', <<XML);
<cm:AssignPublicNo>
  <c:extendedNumber>$number</c:extendedNumber><cm:didID>$did</cm:didID>
</cm:AssignPublicNo>
XML
print $answer->valueof('//result'), "\n";
