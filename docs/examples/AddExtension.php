<?php
// php AddExtension.php ORGANIZATION-ID LOGIN PASSWORD
require __DIR__ . '/v3.php';

[, $organization, $login, $password] = $argv;
$user = v3('User')->AddUser([
    'name' => 'Petra Porter', 'company' => 'Northwind Traders', 'login' => $login, 'password' => $password,
    'country' => 'us', 'parentID' => $organization,
])->ID;
$one = ['_' => 1, 'unlimited' => false];
$any = ['_' => 0, 'unlimited' => true];
v3('User')->SetUserPL([  // everything is off at first; in 2.5 an extension worked at once
    'ID' => $user, 'sipManag' => true, 'callerIDManag' => true, 'soundManag' => true,
    'phoneExtMax' => $one, 'concurentCalls' => $any, 'concurentInternalCalls' => $any, 'mailboxMax' => $any,
]);
$phone = v3('Extension')->AddExtension([
    'label' => 'Petra Porter', 'password' => $password, 'parentID' => $user,
]);
echo "$user $phone->extendedNumber\n";  // keep both: the number is the extension's key in v3
