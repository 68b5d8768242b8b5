# perl GetCallRulesIn.pl NUMBER
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use V3;

my ($number) = @ARGV;
my $answer = V3::call('extension',
    "<em:GetCallRulesIn><c:extendedNumber>$number</c:extendedNumber></em:GetCallRulesIn>");
for (my $n = 1; my $rule = $answer->valueof("//GetCallRulesInResponse/[$n]"); $n++) {
    my @to = $answer->valueof("//GetCallRulesInResponse/[$n]/transfer/toNumbers/transferNumber") or next;
    print "$rule->{ruleID}: to ", join(', ', @to), "\n";
}
