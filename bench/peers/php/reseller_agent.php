<?php
// What one writes in PHP in a day: SoapServer with the 2.5 WSDL in front of SoapClient with the v3 one. It checks
// the password, renames what has another name, and writes a line of log for each call. Both WSDLs are cached.

final class Reseller
{
    private const LOGINS = ['bench' => 'bench-pw'];
    private string $caller = '';

    public function userCredentials(object $given): void
    {
        if (!hash_equals(self::LOGINS[$given->username ?? ''] ?? '', $given->password ?? '')) {
            throw new SoapFault('Client', 'The login is not known.');
        }
        $this->caller = $given->username;
    }

    public function GetResellerDetails(object $request): object
    {
        if ($this->caller === '') {
            throw new SoapFault('Client', 'Send a login.');
        }
        $client = new SoapClient($_SERVER['V3_WSDL'], [
            'location' => $_SERVER['V3_URL'], 'cache_wsdl' => WSDL_CACHE_BOTH, 'keep_alive' => true,
            'features' => SOAP_SINGLE_ELEMENT_ARRAYS, 'connection_timeout' => 3,
        ]);
        $token = ['accessToken' => trim(file_get_contents($_SERVER['V3_TOKEN_FILE']))];
        $client->__setSoapHeaders(new SoapHeader('http://4psa.com/HeaderData.xsd/3.0.0', 'userCredentials', $token));
        $answer = $client->GetServiceProviderDetails($request);
        foreach (['serviceProviderID' => 'resellerID'] as $new => $old) {
            if (isset($answer->$new)) {
                $answer->$old = $answer->$new;
                unset($answer->$new);
            }
        }
        file_put_contents(
            $_SERVER['CALL_LOG'],
            json_encode(['operation' => 'GetResellerDetails', 'caller' => $this->caller]) . "\n",
            FILE_APPEND
        );
        return $answer;
    }
}

$server = new SoapServer($_SERVER['OLD_WSDL'], [
    'cache_wsdl' => WSDL_CACHE_BOTH, 'features' => SOAP_SINGLE_ELEMENT_ARRAYS,
]);
$server->setObject(new Reseller());
$server->handle();
