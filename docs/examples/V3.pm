# A call of v3: V3::call('user', '<um:GetUsers><a:parentID>20</a:parentID></um:GetUsers>') gives the answer as
# a SOAP::SOM. V3_URL is the address of the system, V3_APP_KEY and V3_APP_SECRET are the app's.
package V3;
use strict;
use warnings;
use JSON::PP;
use LWP::UserAgent;
use SOAP::Lite;

my %prefix = (    # for the elements of a body: each has the namespace that v3 gives it
    c => 'Common', a => 'AccountData', o => 'OrganizationData', om => 'OrganizationMessages', u => 'UserData',
    um => 'UserMessages', e => 'ExtensionData', em => 'ExtensionMessages', cm => 'ChannelMessages',
    r => 'ReportData', rm => 'ReportMessages', bm => 'BillingMessages', pm => 'PBXMessages',
);
my $namespaces = join ' ', map { qq(xmlns:$_="http://4psa.com/$prefix{$_}.xsd/3.0.0") } sort keys %prefix;
my $agent = LWP::UserAgent->new(timeout => 60);
my $token;

sub call {
    my ($service, $body) = @_;
    $token //= token();
    my $answer = $agent->post("$ENV{V3_URL}/soap2/${service}_agent.php", 'Content-Type' => 'text/xml', Content => <<XML);
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" $namespaces>
<soap:Header><h:userCredentials xmlns:h="http://4psa.com/HeaderData.xsd/3.0.0">
<h:accessToken>$token</h:accessToken></h:userCredentials></soap:Header>
<soap:Body>$body</soap:Body>
</soap:Envelope>
XML
    die $answer->status_line, "\n" unless $answer->content_type eq 'text/xml';
    my $som = SOAP::Deserializer->new->deserialize($answer->content);
    die $som->faultstring, "\n" if $som->fault;
    return $som;
}

sub token {
    my $answer = $agent->post("$ENV{V3_URL}/oauth/token.php", {
        grant_type => 'client_credentials', client_id => $ENV{V3_APP_KEY}, client_secret => $ENV{V3_APP_SECRET},
    });
    die 'No token: ', $answer->status_line, "\n" unless $answer->is_success;
    return decode_json($answer->content)->{access_token};
}

sub text {    # a value, as it may stand in XML
    my ($value) = @_;
    my %entity = ('&' => '&amp;', '<' => '&lt;', '>' => '&gt;', '"' => '&quot;');
    return $value =~ s/([&<>"])/$entity{$1}/gr;
}

1;
