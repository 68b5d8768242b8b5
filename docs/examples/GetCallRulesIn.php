<?php
// php GetCallRulesIn.php NUMBER
require __DIR__ . '/v3.php';

$answer = v3('Extension')->GetCallRulesIn(['extendedNumber' => $argv[1]]);
foreach ($answer->rules ?? [] as $rule) {
    if (isset($rule->transfer->toNumbers)) {
        echo "$rule->ruleID: to ", implode(', ', $rule->transfer->toNumbers->transferNumber), "\n";
    }
}
