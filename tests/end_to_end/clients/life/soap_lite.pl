# The life with SOAP::Lite. The WSDL tells the SOAPActions; names of the namespaces are known, as in most scripts.
# Arguments: address, tag.
use strict;
use warnings;
use utf8;
use FindBin;
use lib $FindBin::Bin;
use Life;
use LWP::UserAgent;
use SOAP::Lite;

my ($base, $tag) = @ARGV;
$ENV{PERL_LWP_SSL_CA_FILE} = $ENV{SHIM_CA} if $ENV{SHIM_CA};

sub data {
    my ($name, $value) = @_;
    return SOAP::Data->name($name => $value) unless ref $value;
    return SOAP::Data->name($name => $value->[0])->attr({ unlimited => $value->[1] ? 'true' : 'false' });
}

sub tree {
    my ($som, $path) = @_;
    my (%found, $number);
    for my $data ($som->dataof("$path/[>0]")) {
        my $below = "$path/[" . ++$number . "]";
        my $value = $som->dataof("$below/[>0]") ? tree($som, $below) : $data->value;
        $value = [$value, $data->attr->{unlimited}] if exists $data->attr->{unlimited};
        push @{ $found{ $data->name } }, $value;
    }
    return { map { ($_ => @{ $found{$_} } > 1 ? $found{$_} : $found{$_}[0]) } keys %found };
}

my %wsdl;

sub wsdl {
    my ($service) = @_;
    return $wsdl{$service} //= LWP::UserAgent->new->get("$base/soap2/schema/latest/$service/$service.wsdl")->decoded_content;
}

sub call {
    my ($user, $password, $service, $name, $fields) = @_;
    my $soap = SOAP::Lite->new(proxy => "$base/soap2/" . lc($service) . '_agent.php');
    my ($action) = wsdl($service) =~ /operation name="$name">\s*<soap:operation soapAction="([^"]+)"/;
    $soap->on_action(sub { qq("$action") });
    my @login = (SOAP::Data->name(username => $user), SOAP::Data->name(password => $password));
    my $header = SOAP::Header->name('h:userCredentials' => \SOAP::Header->value(@login));
    $header->attr({ 'xmlns:h' => 'http://4psa.com/HeaderData.xsd/2.5.1' });
    my $body = SOAP::Data->name("m:${name}Request")->attr({ 'xmlns:m' => "http://4psa.com/${service}Messages.xsd/2.5.1" });
    my @pairs = @$fields;
    my @children;
    push @children, data(splice @pairs, 0, 2) while @pairs;
    my $som = $soap->call($body, @children, $header);
    die $som->faultstring . "\n" if $som->fault;
    return tree($som, '/Envelope/Body/[1]');
}

Life::step(loads => sub { SOAP::Lite->service("$base/soap2/schema/latest/Client/Client.wsdl")->can('GetClients') ? 'yes' : 'no' });
Life::live($tag, \&call, sub { $_[0] });
