# perl GetTimeIntervalBlocks.pl OWNER-ID
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use V3;

my ($owner) = @ARGV;
my $answer = V3::call('pbx', "<pm:GetTimeIntervalBlocks><c:userID>$owner</c:userID></pm:GetTimeIntervalBlocks>");
print "$_->{ID} $_->{name}\n" for $answer->valueof('//timeIntervalBlock');
