<?php
// The life with NuSOAP, without a WSDL, or with a flat copy of it. Arguments: the copy's folder if any, address, tag.
// It is of the days of PHP 4: its constructors, named for their classes, are given the name that PHP 8 calls.
error_reporting(E_ERROR);

$tag = array_pop($argv);
$base = array_pop($argv);
$copy = $argv[1] ?? null;
$source = file_get_contents('nusoap/nusoap.php', true);
preg_match_all('/^class (\w+)/m', $source, $classes);
foreach (array_unique($classes[1]) as $class) {
    $source = preg_replace(["/function\s+$class\s*\(/i", "/parent::$class\s*\(/i"],
        ['function __construct(', 'parent::__construct('], $source);
}
// A schema's imports are noted in the list of schemas of a namespace, as if it were one schema.
$source = str_replace('$this->schemas[$ns]->imports[$ns2]', '$xs->imports[$ns2]', $source);
eval('?>' . $source);

function call(string $user, string $operation, array $fields, ?string $password = null) {
    global $base, $copy;
    [$service, $name] = explode('.', $operation);
    $endpoint = "$base/soap2/" . strtolower($service) . '_agent.php';
    $client = $copy ? new nusoap_client("file://$copy/$service.wsdl", true) : new nusoap_client($endpoint, false);
    $client->setEndpoint($endpoint);
    $client->soap_defencoding = 'UTF-8';
    $client->decode_utf8 = false;
    $password ??= "$user-secret";
    $login = '<userCredentials xmlns="http://4psa.com/HeaderData.xsd/2.5.1">'
        . "<username>$user</username><password>$password</password></userCredentials>";
    $space = "http://4psa.com/{$service}Messages.xsd/2.5.1";
    $answer = $copy
        ? $client->call($name, ['messagePart' => $fields], '', '', $login)
        : $client->call("{$name}Request", $fields, $space, '', $login, null, 'rpc', 'literal');
    if ($client->fault) {
        throw new Exception($answer['faultstring']);
    }
    if ($client->getError()) {
        throw new Exception($client->getError());
    }
    return $answer;
}

function step(string $name, callable $made): void {
    try {
        $said = str_replace("\n", ' ', $made());
        echo "$name=$said\n";
    } catch (Throwable $problem) {
        echo "$name!", str_replace("\n", ' ', $problem->getMessage()), "\n";
    }
}

function rows($found): array {
    return $found === null ? [] : (isset($found[0]) ? $found : [$found]);
}

// An answer with one child alone is that child.
function field($answer, string $name) {
    return is_array($answer) ? ($answer[$name] ?? $answer) : $answer;
}

function logins($answer): string {
    return implode(',', array_map(fn($each) => $each['login'], rows(field($answer, 'client'))));
}

function fault(callable $made): string {
    try {
        $made();
        return 'no fault';
    } catch (Exception $fault) {
        return $fault->getMessage();
    }
}

function limit(string $name, string $text, string $flag): soapval {
    return new soapval($name, false, $text, false, false, ['unlimited' => $flag]);
}

$line = $first = $second = null;
$profile = ['name' => 'Cleo Client', 'company' => 'Cleo Ltd', 'password' => 'Pass-2025', 'country' => 'us'];
if ($copy) {
    step('loads', function () use ($copy) {
        $client = new nusoap_client("file://$copy/Extension.wsdl", true);
        $client->loadWSDL();
        return isset($client->operations['AddExtension']) ? 'yes' : 'no';
    });
}
step('lists', fn() => logins(call('admin', 'Client.GetClients', ['parentID' => 10])));
step('empty', fn() => logins(call('acme', 'Client.GetClients', [])));
step('adds', function () use (&$line, $tag, $copy) {
    $answer = call('northwind', 'Extension.AddExtension', ['name' => 'Zoë Łukasz', 'company' => $copy ? htmlspecialchars('Söhne & Co <1>') : 'Söhne & Co <1>',
        'login' => $tag, 'password' => 'Pass-2025', 'country' => 'us', 'parentID' => 20]);
    $line = $answer['ID'];
    return $answer['result'];
});
step('edits', function () use (&$line) {
    call('northwind', 'Extension.EditExtension', ['name' => 'Žofie Ångström', 'ID' => $line]);
    $told = call('northwind', 'Extension.GetExtensionDetails', ['ID' => $line]);
    return "{$told['name']}|{$told['company']}";
});
step('number', function () use (&$line) {
    $poll = field(call('northwind', 'Channel.GetPublicNoPoll', ['userID' => 20]), 'publicNo');
    call('northwind', 'Channel.AssignPublicNo', ['didID' => rows($poll['available'])[0]['ID'], 'userID' => $line]);
    $poll = field(call('northwind', 'Channel.GetPublicNoPoll', ['userID' => $line]), 'publicNo');
    $gone = call('northwind', 'Extension.DelExtension', ['ID' => $line]);
    return rows($poll['assigned'])[0]['externalNo'] . " {$gone['items']}";
});
step('limits', function () use (&$first, &$second, $tag, $profile, $copy) {
    $first = call('acme', 'Client.AddClient', $profile + ['login' => "$tag-first"])['ID'];
    $second = call('acme', 'Client.AddClient', $profile + ['login' => "$tag-second"])['ID'];
    $limits = $copy ? ['phoneExtMax' => ['!' => '0', '!unlimited' => 'true'], 'queueExtMax' => ['!' => '3', '!unlimited' => 'false'], 'ID' => $first] : [limit('phoneExtMax', '0', 'true'), limit('queueExtMax', '3', 'false'), new soapval('ID', false, $first)];
    call('acme', 'Client.SetClientPL', $limits);
    $found = field(call('acme', 'Client.GetClientPL', ['ID' => $first]), 'userPL');
    return is_array($found['phoneExtMax'])
        ? "{$found['phoneExtMax']['!unlimited']} {$found['queueExtMax']['!']}"
        : "? {$found['queueExtMax']}";
});
step('deletes', function () use (&$first, &$second, $copy) {
    return call('acme', 'Client.DelClient', $copy ? ['ID' => [$first, $second]] : [new soapval('ID', false, $first), new soapval('ID', false, $second)])['items'];
});
step('fault', fn() => fault(fn() => call('acme', 'Client.AddClient', $profile + ['login' => 'northwind'])));
step('password', fn() => fault(fn() => call('acme', 'Client.GetClients', [], 'not-it')));
