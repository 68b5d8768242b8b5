<?php
// Makes the calls of a scenario with PHP's SoapClient, in WSDL mode, and prints what it made of the answers.
// Names of methods begin with a small letter, as many scripts have them: PHP does not mind, and the WSDL decides.
// stdin: {"wsdl": {service: url}, "authority": path or null, "version": ..., "steps": [...]}

$task = json_decode(stream_get_contents(STDIN), true);
$space = "http://4psa.com/HeaderData.xsd/{$task['version']}";
$saved = [];
$clients = [];

function client(string $service): SoapClient {
    global $task, $clients;
    $tls = stream_context_create(['ssl' => ['cafile' => $task['authority']]]);
    $options = ['trace' => true, 'exceptions' => true, 'cache_wsdl' => WSDL_CACHE_NONE];
    $options += $task['authority'] ? ['stream_context' => $tls] : [];
    return $clients[$service] ??= new SoapClient($task['wsdl'][$service], $options);
}

// In the usual way of PHP scripts: a stdClass as SoapVar, with the namespace given as the type's name.
function credentials(string $username, string $password): SoapHeader {
    global $space;
    $login = new stdClass();
    $login->username = $username;
    $login->password = $password;
    return new SoapHeader($space, 'userCredentials', new SoapVar($login, SOAP_ENC_OBJECT, $space));
}

function php_value($value) {
    global $saved;
    if (!is_array($value)) {
        return is_string($value) && str_starts_with($value, '$') ? $saved[substr($value, 1)] : $value;
    }
    if (isset($value['base64'])) {
        return $value['base64'];  // PHP encodes what the schema says is base64Binary
    }
    $made = [];
    foreach ($value as $name => $inner) {
        $name = $name === '#' ? '_' : (is_string($name) ? ltrim($name, '@') : $name);
        $made[$name] = php_value($inner);
    }
    return $made;
}

// What is under a name; of several, which PHP makes an array of, the first.
function inner($answer, string $name) {
    $found = $answer->$name;
    return is_array($found) ? $found[0] : $found;
}

$seen = [];
foreach ($task['steps'] as $step) {
    $client = client($step['service']);
    $client->__setSoapHeaders(credentials(...$step['login']));
    try {
        $answer = $client->__soapCall(lcfirst($step['operation']), [php_value($step['fields'])]);
        $seen[$step['name']] = ['answer' => $answer];
        if ($step['save']) {
            [$name, $path] = explode('=', "{$step['save']}=ID");
            $saved[$name] = array_reduce(explode('/', $path), 'inner', $answer);
        }
    } catch (SoapFault $fault) {
        $seen[$step['name']] = ['faultcode' => $fault->faultcode, 'faultstring' => $fault->faultstring];
    }
    $seen[$step['name']]['raw'] = $client->__getLastResponse();
}
echo json_encode($seen, JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR);
