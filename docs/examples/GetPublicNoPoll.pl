# perl GetPublicNoPoll.pl NUMBER
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use V3;

my ($number) = @ARGV;
my $answer = V3::call('channel',
    "<cm:GetPublicNoPoll><c:extendedNumber>$number</c:extendedNumber></cm:GetPublicNoPoll>");
for my $kind (qw(assigned available)) {
    print "$kind: $_->{ID} $_->{externalNo}\n" for $answer->valueof("//$kind");
}
