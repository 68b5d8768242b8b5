<?php
/*
 * PHP's SoapServer over the published tree, as a writer of answers.
 *
 * Reads a line of JSON for each answer on its input: {"service", "operation", "request": the message that asks,
 * "answer": what the program gives back, "header": [namespace, name, value] or null, "fault": [code, text] or
 * null}. Writes a line each: the message that SoapServer makes of it, base64. The folder of the tree is the first argument.
 */
declare(strict_types=1);

class Program
{
    public function __construct(
        private SoapServer $server,
        private mixed $answer,
        private ?array $header,
        private ?array $fault,
    ) {
    }

    public function __call(string $name, array $given): mixed
    {
        if ($this->fault !== null) {
            throw new SoapFault(...$this->fault);
        }
        if ($this->header !== null) {
            $this->server->addSoapHeader(new SoapHeader(...$this->header));
        }
        return $this->answer;
    }

    public function userCredentials(mixed ...$given): void
    {
    }
}

$servers = [];
while (($line = fgets(STDIN)) !== false) {
    $asked = json_decode($line, flags: JSON_THROW_ON_ERROR);
    $server = $servers[$asked->service] ??= new SoapServer("{$argv[1]}/{$asked->service}/{$asked->service}.wsdl", ['cache_wsdl' => WSDL_CACHE_MEMORY]);
    $server->setObject(new Program($server, $asked->answer, $asked->header, $asked->fault ?? null));
    ob_start();
    $server->handle($asked->request);
    echo base64_encode((string) ob_get_clean()), "\n";
}
