<?php
// php SetExtensionStatus.php NUMBER 0|1
require __DIR__ . '/v3.php';

[, $number, $status] = $argv;
$user = v3('Extension')->GetExtensionDetails(['extendedNumber' => $number])->parentID;
$answer = v3('User')->SetUserStatus(['ID' => $user, 'status' => $status === '1']);  // all its extensions
echo "$answer->result\n";
