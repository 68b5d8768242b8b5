# Makes the calls of a scenario with SOAP::Lite and prints what it made of the answers. The WSDL tells addresses,
# namespaces and SOAPActions; SOAP::Lite writes children without namespace, with xsi:type, in any order.
# stdin: {"wsdl": {service: url}, "authority": path or null, "version": ..., "steps": [...]}
use strict;
use warnings;
use JSON::PP;
use LWP::UserAgent;
use MIME::Base64 'encode_base64';
use SOAP::Lite;

my $task = decode_json(join '', <STDIN>);
$ENV{PERL_LWP_SSL_CA_FILE} = $task->{authority} if $task->{authority};
my $space = "http://4psa.com/HeaderData.xsd/$task->{version}";
my (%saved, %wsdl, %seen);

sub wsdl {
    my ($service) = @_;
    return $wsdl{$service} //= do {
        my $response = LWP::UserAgent->new->get($task->{wsdl}{$service});
        die $response->status_line unless $response->is_success;
        $response->decoded_content;
    };
}

sub found { my ($text, $pattern) = @_; $text =~ $pattern or die "no $pattern in the WSDL"; return $1 }

sub text { my ($value) = @_; return JSON::PP::is_bool($value) ? ($value ? 'true' : 'false') : $value }

sub soap_data {
    my ($name, $value) = @_;
    return map { soap_data($name, $_) } @$value if ref $value eq 'ARRAY';
    return SOAP::Data->name($name => encode_base64($value->{base64}, '')) if ref $value eq 'HASH' && exists $value->{base64};
    if (ref $value eq 'HASH') {
        my %attributes = map { (substr($_, 1) => text($value->{$_})) } grep { /^\@/ } keys %$value;
        return SOAP::Data->name($name => $value->{'#'})->attr(\%attributes) if exists $value->{'#'};
        my @inner = map { soap_data($_, $value->{$_}) } keys %$value;
        return SOAP::Data->name($name => \SOAP::Data->value(@inner));
    }
    $value = $saved{$1} if !ref $value && $value =~ /^\$(\w+)$/;
    return SOAP::Data->name($name => text($value));
}

sub tree {
    my ($som, $path) = @_;
    my (%found, $number);
    for my $data ($som->dataof("$path/[>0]")) {
        my $below = "$path/[" . ++$number . "]";
        my @inner = $som->dataof("$below/[>0]");
        my %attributes = %{ $data->attr };
        my $value = @inner ? tree($som, $below) : $data->value;
        $value = { '#' => $value, %attributes } if %attributes && !@inner;
        push @{ $found{$data->name} }, $value;
    }
    return { map { ($_ => @{ $found{$_} } > 1 ? $found{$_} : $found{$_}[0]) } keys %found };
}

for my $step (@{ $task->{steps} }) {
    my ($service, $name) = @$step{qw(service operation)};
    my $wsdl = wsdl($service);
    my $prefix = found($wsdl, qr/element="(\w+):${name}Request"/);
    my $address = found($wsdl, qr/soap:address location="([^"]+\/\L$service\E_agent\.php)"/);
    my $soap = SOAP::Lite->new(proxy => $address);
    my $action = found($wsdl, qr/operation name="$name">\s*<soap:operation soapAction="([^"]+)"/);
    $soap->on_action(sub { qq("$action") });
    my ($username, $password) = @{ $step->{login} };
    my @login = (SOAP::Data->name(username => $username), SOAP::Data->name(password => $password));
    my $header = SOAP::Header->name('h:userCredentials' => \SOAP::Header->value(@login))->attr({ 'xmlns:h' => $space });
    my $body = SOAP::Data->name("m:${name}Request")->attr({ 'xmlns:m' => found($wsdl, qr/xmlns:$prefix="([^"]+)"/) });
    my @fields = map { soap_data($_, $step->{fields}{$_}) } keys %{ $step->{fields} };
    my $som = $soap->call($body, @fields, $header);
    my $seen = $seen{ $step->{name} } = { raw => $soap->transport->proxy->http_response->content };
    if ($som->fault) {
        @$seen{qw(faultcode faultstring)} = ($som->faultcode, $som->faultstring);
        next;
    }
    $seen->{answer} = tree($som, '/Envelope/Body/[1]');
    if ($step->{save}) {
        my ($save, $path) = split /=/, "$step->{save}=ID";
        my $found = $seen->{answer};
        for my $inner (split m{/}, $path) {
            $found = $found->{$inner};
            $found = $found->[0] if ref $found eq 'ARRAY';
        }
        $saved{$save} = $found;
    }
}
print JSON::PP->new->utf8->encode(\%seen);
