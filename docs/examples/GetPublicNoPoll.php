<?php
// php GetPublicNoPoll.php NUMBER
require __DIR__ . '/v3.php';

$pool = v3('Channel')->GetPublicNoPoll(['extendedNumber' => $argv[1]])->publicNo;
foreach ($pool->assigned ?? [] as $each) {
    echo "assigned: $each->ID $each->externalNo\n";
}
foreach ($pool->available ?? [] as $each) {
    echo "available: $each->ID $each->externalNo\n";
}
