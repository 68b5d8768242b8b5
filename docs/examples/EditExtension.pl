# perl EditExtension.pl NUMBER NAME PHONE
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use V3;

my ($number, $name, $phone) = map { V3::text($_) } @ARGV;
my $user = V3::call('extension',
    "<em:GetExtensionDetails><c:extendedNumber>$number</c:extendedNumber></em:GetExtensionDetails>"
)->valueof('//parentID');
my $answer = V3::call('user',
    "<um:EditUser><o:name>$name</o:name><o:phone>$phone</o:phone><c:ID>$user</c:ID></um:EditUser>");
print 'user: ', $answer->valueof('//result'), "\n";
$answer = V3::call('extension', <<XML);
<em:EditExtension><c:extendedNumber>$number</c:extendedNumber><e:label>$name</e:label></em:EditExtension>
XML
print 'extension: ', $answer->valueof('//result'), "\n";
