<?php
// php EditClient.php ID PHONE
require __DIR__ . '/v3.php';

[, $id, $phone] = $argv;
$answer = v3('Organization')->EditOrganization(['ID' => $id, 'phone' => $phone]);
echo "$answer->result\n";
