<?php
// php DelClient.php ID
require __DIR__ . '/v3.php';

$answer = v3('Organization')->DelOrganization(['ID' => $argv[1]]);  // and all its users and extensions
echo "$answer->result: $answer->items\n";
