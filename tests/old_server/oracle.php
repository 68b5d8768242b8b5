<?php
/*
 * A witness: PHP's SoapServer over the published tree, with a handler that says what it was given.
 *
 * Serve it with `php -S`; the folder of the tree comes in the environment as TREE, the service in the header
 * X-Service. The answer has what was handed over in the header X-Seen: base64 of a JSON list of
 * [operation, arguments], values with their types: ["i", "5"], ["s", "text"], ["o", {"name": ...}], ...
 */
declare(strict_types=1);

function typed(mixed $value): array
{
    return match (true) {
        is_null($value) => ['n'],
        is_bool($value) => ['b', $value],
        is_int($value) => ['i', (string) $value],
        is_float($value) => ['f', is_finite($value) ? sprintf('%.17g', $value) : (is_nan($value) ? 'NAN' : ($value > 0 ? 'INF' : '-INF'))],
        is_string($value) => ['s', $value],
        is_array($value) && array_is_list($value) => ['l', array_map('typed', $value)],
        is_array($value) => ['m', array_map('typed', $value)],
        is_object($value) => ['o', (object) array_map('typed', get_object_vars($value))],
        default => ['?', gettype($value)],
    };
}

class Memory
{
    private static array $seen = [];

    public static function note(string $name, array $given): object
    {
        self::$seen[] = [$name, array_map('typed', $given)];
        $told = json_encode(self::$seen, JSON_INVALID_UTF8_SUBSTITUTE | JSON_UNESCAPED_UNICODE);
        header('X-Seen: ' . base64_encode($told));
        return (object) ['ID' => 20, 'result' => 'success'];
    }
}

/* The handler has a method for each operation, and one for the header, as the old server must have had. */
function witness(string $wsdl): object
{
    preg_match_all('/<operation name="([A-Za-z0-9]+)"/', (string) file_get_contents($wsdl), $found);
    $methods = '';
    foreach (array_unique(['userCredentials', ...$found[1]]) as $name) {
        $methods .= "public function $name(mixed ...\$given): object { return Memory::note('$name', \$given); }\n";
    }
    return eval("return new class { $methods };");
}

error_reporting(E_ALL);
ini_set('display_errors', '0');
$service = preg_replace('/[^A-Za-z]/', '', $_SERVER['HTTP_X_SERVICE'] ?? '');
$wsdl = getenv('TREE') . "/$service/$service.wsdl";
$options = ['cache_wsdl' => WSDL_CACHE_MEMORY];
$server = new SoapServer($wsdl, $options);
$server->setObject(witness($wsdl));
$server->handle();
