<?php
// A service of v3: v3('User')->GetUsers(['parentID' => 20]) gives the answer as an object.
// V3_URL is the address of the system, V3_APP_KEY and V3_APP_SECRET are the app's.

function v3(string $service): SoapClient
{
    $base = getenv('V3_URL');
    $client = new SoapClient("$base/soap2/schema/3.0.0/$service/$service.wsdl", [
        'features' => SOAP_SINGLE_ELEMENT_ARRAYS,  // a list of one is a list
    ]);
    $login = ['accessToken' => v3_token($base)];
    $client->__setSoapHeaders(
        new SoapHeader('http://4psa.com/HeaderData.xsd/3.0.0', 'userCredentials', $login)
    );
    return $client;
}

function v3_token(string $base): string
{
    static $token = null;  // good for an hour or more: keep it, and fetch a new one when a call is refused
    if ($token === null) {
        $form = ['grant_type' => 'client_credentials',
            'client_id' => getenv('V3_APP_KEY'), 'client_secret' => getenv('V3_APP_SECRET')];
        $post = ['method' => 'POST', 'header' => 'Content-Type: application/x-www-form-urlencoded',
            'content' => http_build_query($form)];
        $answer = file_get_contents("$base/oauth/token.php", false, stream_context_create(['http' => $post]));
        $token = json_decode($answer, false, 8, JSON_THROW_ON_ERROR)->access_token;
    }
    return $token;
}
