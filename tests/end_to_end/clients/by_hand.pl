# Makes the calls of a scenario with LWP alone, as scripts without a SOAP library do: HTTP/1.0, the content type of a
# form, no SOAPAction, no namespaces, children in random order, and now and then an element that never was.
# What it needs of an answer it cuts out with patterns. stdin: as for scenario.pl, with {base, authority}
use strict;
use warnings;
use HTTP::Request;
use JSON::PP;
use LWP::UserAgent;

my $task = decode_json(join '', <STDIN>);
$ENV{PERL_LWP_SSL_CA_FILE} = $task->{authority} if $task->{authority};
my $agent = LWP::UserAgent->new;
my (%saved, %seen);

sub escaped { my ($text) = @_; $text =~ s/&/&amp;/g; $text =~ s/</&lt;/g; return $text }

sub xml {
    my ($name, $value) = @_;
    return join '', map { xml($name, $_) } @$value if ref $value eq 'ARRAY';
    return "<$name>" . join('', map { xml($_, $value->{$_}) } keys %$value) . "</$name>" if ref $value eq 'HASH';
    $value = $value ? 'true' : 'false' if JSON::PP::is_bool($value);
    $value = $saved{$1} if $value =~ /^\$(\w+)$/;
    return "<$name>" . escaped($value) . "</$name>";
}

for my $step (@{ $task->{steps} }) {
    my ($service, $name) = @$step{qw(service operation)};
    my ($username, $password) = map { escaped($_) } @{ $step->{login} };
    my $fields = join '', map { xml($_, $step->{fields}{$_}) } keys %{ $step->{fields} };
    $fields .= '<addresss>1 Main Street</addresss>' if $name eq 'AddExtension';
    my $body = '<E:Envelope xmlns:E="http://schemas.xmlsoap.org/soap/envelope/"><E:Header><userCredentials>'
        . "<username>$username</username><password>$password</password></userCredentials></E:Header><E:Body>"
        . "<${name}Request>$fields</${name}Request></E:Body></E:Envelope>";
    my $request = HTTP::Request->new(POST => "$task->{base}/soap2/" . lc($service) . '_agent.php');
    $request->protocol('HTTP/1.0');
    $request->content_type('application/x-www-form-urlencoded');
    $request->content($body);
    my $raw = $agent->request($request)->content;
    $seen{ $step->{name} } = { raw => $raw };
    next unless $step->{save};
    my ($save, $path) = split /=/, "$step->{save}=ID";
    my @inner = split m{/}, $path;
    my $last = pop @inner;
    $raw =~ s/^.*?<(\w+:)?$_>//s for @inner;
    ($saved{$save}) = $raw =~ /<(?:\w+:)?$last>([^<]+)</ or die "no $path in the answer to $name: $raw";
}
print JSON::PP->new->utf8->encode(\%seen);
