<?php
// Calls with PHP's SoapClient, one for each line of stdin, in the form of tests/chaos/toolkits.py. Argument: address.
[, $base] = $argv;
ini_set('default_socket_timeout', '100');
const HEADER = 'http://4psa.com/HeaderData.xsd/2.5.1';
$made = [];

function client(string $service): SoapClient {
    global $base, $made;
    $tls = stream_context_create(['ssl' => ['cafile' => getenv('SHIM_CA') ?: null]]);
    $options = ['cache_wsdl' => WSDL_CACHE_NONE, 'stream_context' => $tls];
    return $made[$service] ??= new SoapClient("$base/soap2/schema/latest/$service/$service.wsdl", $options);
}

function line(string $text): void {
    echo preg_replace('/\s+/', ' ', $text), "\n";
}

client('Extension');
client('Client');
line('ready');
while (($given = fgets(STDIN)) !== false) {
    [$user, $operation, $wanted] = $words = explode("\t", rtrim($given, "\n"));
    [$service, $name] = explode('.', $operation);
    $fields = [];
    foreach (array_slice($words, 3) as $word) {
        [$key, $value] = explode('=', $word, 2);
        $fields[$key] = $value;
    }
    $login = new stdClass();
    $login->username = $user;
    $login->password = "$user-secret";
    $header = new SoapHeader(HEADER, 'userCredentials', new SoapVar($login, SOAP_ENC_OBJECT));
    try {
        $answer = client($service)->__soapCall($name, [$fields], null, [$header]);
        line('=' . ($answer->$wanted ?? ''));
    } catch (Throwable $problem) {
        line('!' . $problem->getMessage());
    }
}
