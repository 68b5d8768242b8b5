<?php
// php DelExtension.php NUMBER
require __DIR__ . '/v3.php';

$extensions = v3('Extension');
$user = $extensions->GetExtensionDetails(['extendedNumber' => $argv[1]])->parentID;
$answer = $extensions->DelExtension(['extendedNumber' => $argv[1]]);
echo "$answer->result: $answer->items\n";
if (empty($extensions->GetExtensions(['parentID' => $user])->extension)) {
    v3('User')->DelUser(['ID' => $user]);  // v3 leaves the user: 2.5 knew none without an extension
}
