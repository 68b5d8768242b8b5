# perl GetClients.pl
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use V3;

my $answer = V3::call('organization', '<om:GetOrganizations/>');
print "$_->{ID} $_->{login}: $_->{name}\n" for $answer->valueof('//organization');
