# Calls with SOAP::Lite, one for each line of stdin, in the form of tests/chaos/toolkits.py. Argument: address.
use strict;
use warnings;
use LWP::UserAgent;
use SOAP::Lite;

my ($base) = @ARGV;
$ENV{PERL_LWP_SSL_CA_FILE} = $ENV{SHIM_CA} if $ENV{SHIM_CA};
$| = 1;
my %wsdl;

sub wsdl {
    my ($service) = @_;
    return $wsdl{$service} //= do {
        my $response = LWP::UserAgent->new->get("$base/soap2/schema/latest/$service/$service.wsdl");
        die $response->status_line unless $response->is_success;
        $response->decoded_content;
    };
}

sub made {
    my ($user, $operation, $wanted, @fields) = @_;
    my ($service, $name) = split /\./, $operation;
    my $soap = SOAP::Lite->new(proxy => ["$base/soap2/" . lc($service) . '_agent.php', timeout => 100]);
    my ($action) = wsdl($service) =~ /operation name="$name">\s*<soap:operation soapAction="([^"]+)"/;
    $soap->on_action(sub { qq("$action") });
    my @login = (SOAP::Data->name(username => $user), SOAP::Data->name(password => "$user-secret"));
    my $header = SOAP::Header->name('h:userCredentials' => \SOAP::Header->value(@login));
    $header->attr({ 'xmlns:h' => 'http://4psa.com/HeaderData.xsd/2.5.1' });
    my $body = SOAP::Data->name("m:${name}Request")->attr({ 'xmlns:m' => "http://4psa.com/${service}Messages.xsd/2.5.1" });
    my $som = $soap->call($body, (map { SOAP::Data->name(split /=/, $_, 2)->type('string') } @fields), $header);
    die 'no answer that could be read' unless ref $som;
    die $som->faultstring . "\n" if $som->fault;
    return $wanted ? $som->valueof("/Envelope/Body/[1]/$wanted") // '' : '';
}

wsdl($_) for qw(Extension Client);
print "ready\n";
while (my $given = <STDIN>) {
    chomp $given;
    my $said = eval { '=' . made(split /\t/, $given) } // "!$@";
    print $said =~ s/\s+/ /gr, "\n";
}
