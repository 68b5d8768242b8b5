# The life with LWP alone, as scripts without a SOAP library lead it: HTTP/1.0, the content type of a form, no
# SOAPAction, no namespaces, children in random order; answers are read with patterns. Arguments: address, tag.
use strict;
use warnings;
use utf8;
use FindBin;
use lib $FindBin::Bin;
use Encode;
use HTTP::Request;
use Life;
use LWP::UserAgent;

my ($base, $tag) = @ARGV;
$ENV{PERL_LWP_SSL_CA_FILE} = $ENV{SHIM_CA} if $ENV{SHIM_CA};
my $agent = LWP::UserAgent->new;

sub escaped { my ($text) = @_; $text =~ s/&/&amp;/g; $text =~ s/</&lt;/g; return $text }

sub plain { my ($text) = @_; $text =~ s/&lt;/</g; $text =~ s/&gt;/>/g; $text =~ s/&amp;/&/g; return $text }

sub xml {
    my ($name, $value) = @_;
    my $flag = ref $value ? ' unlimited="' . ($value->[1] ? 'true' : 'false') . '"' : '';
    return "<$name$flag>" . escaped(ref $value ? $value->[0] : $value) . "</$name>";
}

# An element's content as a hash, or as text if it has no elements; with an attribute as [text, unlimited].
sub read_tree {
    my ($text) = @_;
    return plain($text) unless $text =~ /</;
    my %found;
    while ($text =~ m{<(?:\w+:)?(\w+)([^>]*?)(?:/>|>(.*?)</(?:\w+:)?\1>)}sg) {
        my ($name, $attributes, $text) = ($1, $2, $3 // '');
        my $inner = read_tree($text);
        $inner = [$inner, $1] if $attributes =~ /unlimited="(\w+)"/;
        push @{ $found{$name} }, $inner;
    }
    return { map { ($_ => @{ $found{$_} } > 1 ? $found{$_} : $found{$_}[0]) } keys %found };
}

sub call {
    my ($user, $password, $service, $name, $fields) = @_;
    my @pairs = @$fields;
    my @children;
    push @children, xml(splice @pairs, 0, 2) while @pairs;
    my $body = '<E:Envelope xmlns:E="http://schemas.xmlsoap.org/soap/envelope/"><E:Header><userCredentials>'
        . "<username>$user</username><password>$password</password></userCredentials></E:Header><E:Body>"
        . "<${name}Request>" . join('', reverse @children) . "</${name}Request></E:Body></E:Envelope>";
    my $request = HTTP::Request->new(POST => "$base/soap2/" . lc($service) . '_agent.php');
    $request->protocol('HTTP/1.0');
    $request->content_type('application/x-www-form-urlencoded');
    $request->content(encode('UTF-8', $body));
    my $raw = decode('UTF-8', $agent->request($request)->content);
    die plain($1) . "\n" if $raw =~ m{<faultstring>(.*?)</faultstring>}s;
    return read_tree($1) if $raw =~ m{<(?:\w+:)?${name}Response[^>]*>(.*)</(?:\w+:)?${name}Response>}s;
    return {};
}

Life::live($tag, \&call, sub { $_[0] });
