<?php
// php GetExtensionDetails.php NUMBER
require __DIR__ . '/v3.php';

$extension = v3('Extension')->GetExtensionDetails(['extendedNumber' => $argv[1]]);
$user = v3('User')->GetUserDetails(['ID' => $extension->parentID]);
echo "type: $extension->extensionType\nnumber: $extension->extensionNo\n";
foreach (['login', 'name', 'company', 'email', 'parentID', 'chargingPlanID'] as $name) {
    echo "$name: {$user->$name}\n";
}
