<?php
// php SetClientPL.php ID EXTENSIONS
require __DIR__ . '/v3.php';

[, $id, $extensions] = $argv;
$answer = v3('Organization')->SetOrganizationPL([
    'ID' => $id, 'extensionManag' => true, 'provisionManag' => '2',
    'phoneExtMax' => ['_' => $extensions, 'unlimited' => false],
    'userMax' => ['_' => 0, 'unlimited' => true],  // v3 bounds users, too
]);
echo "$answer->result\n";
