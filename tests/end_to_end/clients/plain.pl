# Posts the message on stdin with LWP alone and prints the answer, as scripts without a SOAP library do.
use strict;
use warnings;
use LWP::UserAgent;

local $/;
my $agent = LWP::UserAgent->new;
my $form = 'application/x-www-form-urlencoded';
my $response = $agent->post($ARGV[0], 'Content-Type' => $form, Content => scalar <STDIN>);
die $response->status_line unless $response->is_success;
print $response->content;
