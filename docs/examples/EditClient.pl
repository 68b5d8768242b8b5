# perl EditClient.pl ID PHONE
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use V3;

my ($id, $phone) = map { V3::text($_) } @ARGV;
my $answer = V3::call('organization',
    "<om:EditOrganization><o:phone>$phone</o:phone><c:ID>$id</c:ID></om:EditOrganization>");
print $answer->valueof('//result'), "\n";
