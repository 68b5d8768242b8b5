# perl SetClientStatus.pl ID 0|1
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use V3;

my ($id, $on) = @ARGV;
my $answer = V3::call('organization',
    "<om:SetOrganizationStatus><a:status>$on</a:status><c:ID>$id</c:ID></om:SetOrganizationStatus>");
print $answer->valueof('//result'), "\n";
