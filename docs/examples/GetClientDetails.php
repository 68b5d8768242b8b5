<?php
// php GetClientDetails.php ID
require __DIR__ . '/v3.php';

$details = v3('Organization')->GetOrganizationDetails(['ID' => $argv[1]]);
foreach (['login', 'name', 'company', 'email', 'phone', 'city', 'country', 'chargingPlanID'] as $name) {
    echo "$name: {$details->$name}\n";
}
