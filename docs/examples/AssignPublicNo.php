<?php
// php AssignPublicNo.php NUMBER DID-ID
require __DIR__ . '/v3.php';

[, $number, $did] = $argv;
$answer = v3('Channel')->AssignPublicNo(['extendedNumber' => $number, 'didID' => $did]);
echo "$answer->result\n";
