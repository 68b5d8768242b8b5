# perl AddClient.pl LOGIN PASSWORD COMPANY
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use V3;

my ($login, $password, $company) = map { V3::text($_) } @ARGV;
my $answer = V3::call('organization', <<XML);
<om:AddOrganization>
  <o:name>Maria Meyer</o:name><o:company>$company</o:company>
  <o:login>$login</o:login><o:password>$password</o:password><o:country>us</o:country>
  <a:chargingPlanID>1</a:chargingPlanID>
</om:AddOrganization>
XML
print $answer->valueof('//AddOrganizationResponse/ID'), "\n";
# v3 starts an organization with every permission off: go on with SetOrganizationPL, or send a templateID.
