# perl AddCallRulesIn.pl NUMBER TO
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use V3;

my ($number, $to) = map { V3::text($_) } @ARGV;
my $answer = V3::call('extension', <<XML);
<em:AddCallRulesIn>
  <em:rule><e:transfer>
    <e:match>2</e:match><e:position>1</e:position>
    <e:toNumbers><e:transferNumber>$to</e:transferNumber><e:ring>20</e:ring></e:toNumbers>
  </e:transfer></em:rule>
  <c:extendedNumber>$number</c:extendedNumber>
</em:AddCallRulesIn>
XML
print join(': ', $answer->valueof('//result'), $answer->valueof('//ID')), "\n";
