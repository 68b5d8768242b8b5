<?php
// php AddCallRulesIn.php NUMBER TO
require __DIR__ . '/v3.php';

[, $number, $to] = $argv;
$answer = v3('Extension')->AddCallRulesIn([
    'extendedNumber' => $number,
    'rule' => [['transfer' => [
        'match' => '2', 'position' => 1, 'toNumbers' => ['transferNumber' => [$to], 'ring' => 20],
    ]]],
]);
echo "$answer->result: {$answer->ID[0]}\n";
