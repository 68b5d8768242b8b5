<?php
// The life with PHP's SoapClient. Arguments: `wsdl` or `plain` (without a WSDL), address, tag. A fact a line.

[, $way, $base, $tag] = $argv;
const HEADER = 'http://4psa.com/HeaderData.xsd/2.5.1';

function client(string $service): SoapClient {
    global $base, $way;
    static $made = [];
    $tls = stream_context_create(['ssl' => ['cafile' => getenv('SHIM_CA') ?: null]]);
    $options = ['cache_wsdl' => WSDL_CACHE_NONE, 'stream_context' => $tls, 'encoding' => 'UTF-8'];
    $plain = ['location' => "$base/soap2/" . strtolower($service) . '_agent.php',
              'uri' => "http://4psa.com/{$service}Messages.xsd/2.5.1"];
    return $made[$service] ??= $way === 'plain'
        ? new SoapClient(null, $options + $plain)
        : new SoapClient("$base/soap2/schema/latest/$service/$service.wsdl", $options);
}

function call(string $user, string $operation, array $fields, string $password = null) {
    global $way;
    [$service, $name] = explode('.', $operation);
    $login = new stdClass();
    $login->username = $user;
    $login->password = $password ?? "$user-secret";
    client($service)->__setSoapHeaders(new SoapHeader(HEADER, 'userCredentials', new SoapVar($login, SOAP_ENC_OBJECT)));
    if ($way !== 'plain') {
        return client($service)->__soapCall($name, [$fields]);
    }
    // Without a WSDL a call's parameters are the children of the body element, each under its name.
    $parameters = [];
    foreach ($fields as $key => $value) {
        $parameters[] = new SoapParam($value, $key);
    }
    return client($service)->__soapCall("{$name}Request", $parameters);
}

// A value with an attribute; without a WSDL only raw XML can say it.
function limit(string $name, $text, bool $unlimited) {
    global $way;
    $flag = $unlimited ? 'true' : 'false';
    return $way !== 'plain'
        ? ['_' => $text, 'unlimited' => $unlimited]
        : new SoapVar("<$name unlimited=\"$flag\">$text</$name>", XSD_ANYXML);
}

function step(string $name, callable $made): void {
    try {
        $said = str_replace("\n", ' ', $made());
        echo "$name=$said\n";
    } catch (Throwable $problem) {
        echo "$name!", str_replace("\n", ' ', $problem->getMessage()), "\n";
    }
}

// One row or several: PHP makes an array only of several.
function rows($found): array {
    return $found === null ? [] : (is_array($found) ? $found : [$found]);
}

// A child of an answer. Without a WSDL an answer with one child alone is that child.
function field($answer, string $name) {
    if (is_object($answer)) {
        return $answer->$name ?? $answer;
    }
    return is_array($answer) ? ($answer[$name] ?? $answer) : $answer;
}

function logins($answer): string {
    return implode(',', array_map(fn($each) => $each->login, rows(field($answer, 'client'))));
}

function fault(callable $made): string {
    try {
        $made();
        return 'no fault';
    } catch (SoapFault $fault) {
        return $fault->getMessage();
    }
}

$line = $first = $second = null;
if ($way !== 'plain') {
    step('loads', fn() => count(client('Extension')->__getFunctions()) > 20 ? 'yes' : 'no');
}
step('lists', fn() => logins(call('admin', 'Client.GetClients', ['parentID' => 10])));
step('empty', fn() => logins(call('acme', 'Client.GetClients', [])));
step('adds', function () use (&$line, $tag) {
    $profile = ['name' => 'Zoë Łukasz', 'company' => 'Söhne & Co <1>', 'login' => $tag, 'password' => 'Pass-2025'];
    $answer = call('northwind', 'Extension.AddExtension', $profile + ['country' => 'us', 'parentID' => 20]);
    $line = field($answer, 'ID');
    return field($answer, 'result');
});
step('edits', function () use (&$line) {
    call('northwind', 'Extension.EditExtension', ['name' => 'Žofie Ångström', 'ID' => $line]);
    $told = call('northwind', 'Extension.GetExtensionDetails', ['ID' => $line]);
    return field($told, 'name') . '|' . field($told, 'company');
});
step('number', function () use (&$line) {
    $poll = field(call('northwind', 'Channel.GetPublicNoPoll', ['userID' => 20]), 'publicNo');
    $free = rows(field($poll, 'available'))[0];
    call('northwind', 'Channel.AssignPublicNo', ['didID' => $free->ID, 'userID' => $line]);
    $poll = field(call('northwind', 'Channel.GetPublicNoPoll', ['userID' => $line]), 'publicNo');
    $assigned = rows(field($poll, 'assigned'))[0]->externalNo;
    $gone = call('northwind', 'Extension.DelExtension', ['ID' => $line]);
    return "$assigned " . field($gone, 'items');
});
step('limits', function () use (&$first, &$second, $tag) {
    foreach (['first', 'second'] as $each) {
        $profile = ['name' => 'Cleo Client', 'company' => 'Limits', 'login' => "$tag-$each", 'password' => 'Pass-2025'];
        $$each = field(call('acme', 'Client.AddClient', $profile + ['country' => 'us']), 'ID');
    }
    $limits = ['phoneExtMax' => limit('phoneExtMax', 0, true), 'queueExtMax' => limit('queueExtMax', 3, false)];
    call('acme', 'Client.SetClientPL', $limits + ['ID' => $first]);
    $found = field(call('acme', 'Client.GetClientPL', ['ID' => $first]), 'userPL');
    // Without a WSDL the attributes of an answer are out of reach.
    return is_object($found->phoneExtMax)
        ? json_encode($found->phoneExtMax->unlimited) . ' ' . $found->queueExtMax->_
        : "? {$found->queueExtMax}";
});
step('deletes', fn() => field(call('acme', 'Client.DelClient', ['ID' => [$first, $second]]), 'items'));
step('fault', fn() => fault(fn() => call('acme', 'Client.AddClient',
    ['name' => 'Cleo', 'company' => 'Cleo Ltd', 'login' => 'northwind', 'password' => 'Pass-2025', 'country' => 'us'])));
step('password', fn() => fault(fn() => call('acme', 'Client.GetClients', [], 'not-it')));
