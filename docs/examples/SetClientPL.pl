# perl SetClientPL.pl ID EXTENSIONS
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use V3;

my ($id, $extensions) = @ARGV;
my $answer = V3::call('organization', <<XML);    # v3 bounds users, too
<om:SetOrganizationPL>
  <a:extensionManag>true</a:extensionManag><a:provisionManag>2</a:provisionManag>
  <a:phoneExtMax unlimited="false">$extensions</a:phoneExtMax>
  <o:userMax unlimited="true">0</o:userMax>
  <c:ID>$id</c:ID>
</om:SetOrganizationPL>
XML
print $answer->valueof('//result'), "\n";
