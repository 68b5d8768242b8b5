# The life with classes that wsdl2perl of SOAP::WSDL made, from an edited copy of the WSDL of each service.
# Arguments: folder of the classes, address, tag.
use strict;
use warnings;
use utf8;
use FindBin;
use lib $FindBin::Bin;
use Life;

my ($classes, $base, $tag) = @ARGV;
$ENV{PERL_LWP_SSL_CA_FILE} = $ENV{SHIM_CA} if $ENV{SHIM_CA};
unshift @INC, $classes;
local $SIG{__WARN__} = sub { };    # it says of every type that two classes share that it is redefined
my %port;

sub port {
    my ($service) = @_;
    return $port{$service} //= do {
        my $name = "MyInterfaces::${service}Port::${service}Port";
        eval "require $name" or die $@;
        $name->new({ proxy => "$base/soap2/" . lc($service) . '_agent.php' });
    };
}

# A text with an attribute: `xmlattr` is taken for complex content alone.
sub limit {
    my ($text, $flag) = @{ $_[0] };
    my $limit = MyTypes::unlimitedUInt->new({ value => $text });
    $limit->attr({ unlimited => $flag ? 'true' : 'false' });
    return $limit;
}

my @READ = qw(ID result login name company client publicNo available assigned externalNo items userPL phoneExtMax queueExtMax);

# What the life reads of an answer's objects, as a hash.
sub tree {
    my ($value) = @_;
    return [map { tree($_) } @$value] if ref $value eq 'ARRAY';
    return [$value->get_value, $value->attr->get_unlimited . ''] if $value->isa('MyTypes::unlimitedUInt');
    my %found;
    for my $name (@READ) {
        my $get = $value->can("get_$name") or next;
        my $part = $value->$get;
        $found{$name} = tree($part) if defined $part;
    }
    return %found ? \%found : $value->can('get_value') ? $value->get_value : {};
}

sub call {
    my ($user, $password, $service, $name, $fields) = @_;
    my $port = port($service);
    my (%body, @pairs);
    @pairs = @$fields;
    while (my ($field, $value) = splice @pairs, 0, 2) {
        $value = limit($value) if ref $value;
        $body{$field} = exists $body{$field} ? [$body{$field}, $value] : $value;
    }
    my $answer = $port->$name(\%body, { username => $user, password => $password });
    die $answer->get_faultstring . "\n" if !$answer;
    return tree($answer);
}

Life::step(loads => sub { port('Client')->can('GetClients') ? 'yes' : 'no' });
Life::live($tag, \&call, sub { $_[0] });
