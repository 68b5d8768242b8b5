<?php
// php AddClient.php LOGIN PASSWORD COMPANY
require __DIR__ . '/v3.php';

[, $login, $password, $company] = $argv;
$answer = v3('Organization')->AddOrganization([
    'name' => 'Maria Meyer', 'company' => $company, 'login' => $login, 'password' => $password,
    'country' => 'us', 'chargingPlanID' => 1,
]);
echo "{$answer->ID}\n";
// v3 starts an organization with every permission off: go on with SetOrganizationPL, or send a templateID.
