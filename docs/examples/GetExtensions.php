<?php
// php GetExtensions.php ORGANIZATION-ID
require __DIR__ . '/v3.php';

$parent = ['parentID' => $argv[1]];
$users = array_column(v3('User')->GetUsers($parent)->user ?? [], null, 'identifier');
foreach (v3('Extension')->GetExtensions($parent)->extension ?? [] as $each) {
    $user = $users[$each->identifier];  // whose extension it is: a user may have several
    echo "$each->extendedNumber $each->extensionType $user->ID $user->login\n";
}
