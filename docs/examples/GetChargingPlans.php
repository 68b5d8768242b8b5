<?php
// php GetChargingPlans.php OWNER-ID
require __DIR__ . '/v3.php';

$answer = v3('Billing')->GetChargingPlans(['userID' => $argv[1]]);
foreach ($answer->chargingPlan ?? [] as $each) {
    echo "$each->ID $each->name $each->planType\n";
}
