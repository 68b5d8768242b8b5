# perl AddExtension.pl ORGANIZATION-ID LOGIN PASSWORD
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use V3;

my ($organization, $login, $password) = map { V3::text($_) } @ARGV;
my $user = V3::call('user', <<XML)->valueof('//AddUserResponse/ID');
<um:AddUser>
  <o:name>Petra Porter</o:name><o:company>Northwind Traders</o:company>
  <o:login>$login</o:login><o:password>$password</o:password><o:country>us</o:country>
  <a:parentID>$organization</a:parentID>
</um:AddUser>
XML
V3::call('user', <<XML);    # everything is off at first; in 2.5 an extension worked at once
<um:SetUserPL>
  <a:sipManag>true</a:sipManag>
  <a:soundManag>true</a:soundManag><a:callerIDManag>true</a:callerIDManag>
  <a:phoneExtMax unlimited="false">1</a:phoneExtMax>
  <a:concurentCalls unlimited="true">0</a:concurentCalls>
  <a:concurentInternalCalls unlimited="true">0</a:concurentInternalCalls>
  <a:mailboxMax unlimited="true">0</a:mailboxMax>
  <c:ID>$user</c:ID>
</um:SetUserPL>
XML
my $phone = V3::call('extension', <<XML);
<em:AddExtension>
  <e:label>Petra Porter</e:label><e:password>$password</e:password><a:parentID>$user</a:parentID>
</em:AddExtension>
XML
print "$user ", $phone->valueof('//extendedNumber'), "\n";    # keep both: the number is its key in v3
