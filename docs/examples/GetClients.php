<?php
// php GetClients.php
require __DIR__ . '/v3.php';

$answer = v3('Organization')->GetOrganizations([]);
foreach ($answer->organization ?? [] as $each) {
    echo "$each->ID $each->login: $each->name\n";
}
