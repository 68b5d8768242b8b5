<?php
// php CallReport.php USER-ID FROM TO
require __DIR__ . '/v3.php';

[, $user, $from, $to] = $argv;
$report = v3('Report')->CallReport([
    'userID' => $user, 'interval' => ['startDate' => $from, 'endDate' => $to],
]);
echo "incoming: {$report->incomingCalls->total}\noutgoing: {$report->outgoingCalls->total}\n";
foreach ($report->call ?? [] as $call) {
    echo "$call->flow $call->source $call->destination $call->disposition\n";
}
