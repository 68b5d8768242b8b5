<?php
// php GetTimeIntervalBlocks.php OWNER-ID
require __DIR__ . '/v3.php';

$answer = v3('PBX')->GetTimeIntervalBlocks(['userID' => $argv[1]]);
foreach ($answer->timeIntervalBlock ?? [] as $each) {
    echo "$each->ID $each->name\n";
}
