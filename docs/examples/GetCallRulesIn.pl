# perl GetCallRulesIn.pl NUMBER
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use V3;

my ($number) = @ARGV;
my $answer = V3::call('extension',
    "<em:GetCallRulesIn><c:extendedNumber>$number</c:extendedNumber></em:GetCallRulesIn>");
for my $at (1 .. () = $answer->dataof('//rules')) {
    my @numbers = $answer->valueof("//[$at]/transfer/toNumbers/transferNumber") or next;
    print $answer->valueof("//[$at]/ruleID"), ': to ', join(', ', @numbers), "\n";
}
