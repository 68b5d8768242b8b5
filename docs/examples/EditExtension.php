<?php
// php EditExtension.php NUMBER NAME PHONE
require __DIR__ . '/v3.php';

[, $number, $name, $phone] = $argv;
$user = v3('Extension')->GetExtensionDetails(['extendedNumber' => $number])->parentID;
$answer = v3('User')->EditUser(['ID' => $user, 'name' => $name, 'phone' => $phone]);
echo "user: $answer->result\n";
$answer = v3('Extension')->EditExtension(['extendedNumber' => $number, 'label' => $name]);
echo "extension: $answer->result\n";
