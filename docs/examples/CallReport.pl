# perl CallReport.pl USER-ID FROM TO
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use V3;

my ($user, $from, $to) = @ARGV;
my $answer = V3::call('report', <<XML);
<rm:CallReport>
  <r:userID>$user</r:userID>
  <r:interval><r:startDate>$from</r:startDate><r:endDate>$to</r:endDate></r:interval>
</rm:CallReport>
XML
print "incoming: ", $answer->valueof('//incomingCalls/total'), "\n";
print "outgoing: ", $answer->valueof('//outgoingCalls/total'), "\n";
print "$_->{flow} $_->{source} $_->{destination} $_->{disposition}\n" for $answer->valueof('//call');
