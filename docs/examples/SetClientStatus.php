<?php
// php SetClientStatus.php ID 0|1
require __DIR__ . '/v3.php';

[, $id, $status] = $argv;
$answer = v3('Organization')->SetOrganizationStatus(['ID' => $id, 'status' => $status === '1']);
echo "$answer->result\n";
