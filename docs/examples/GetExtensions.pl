# perl GetExtensions.pl ORGANIZATION-ID
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use V3;

my ($id) = @ARGV;
my $users = V3::call('user', "<um:GetUsers><a:parentID>$id</a:parentID></um:GetUsers>");
my %user = map { $_->{identifier} => $_ } $users->valueof('//user');
my $answer = V3::call('extension', "<em:GetExtensions><a:parentID>$id</a:parentID></em:GetExtensions>");
for my $each ($answer->valueof('//extension')) {
    my $user = $user{ $each->{identifier} };    # whose extension it is: a user may have several
    print "$each->{extendedNumber} $each->{extensionType} $user->{ID} $user->{login}\n";
}
