#!/usr/bin/env bash
# PHP's SoapServer and whole numbers of twenty digits.
#
# Version: PHP 8.2.36, Debian packages php8.2-cli and php8.2-soap 8.2.36-1~deb12u1 (Debian 12). They are unpacked in a
# temporary folder; where they cannot be had, the exit code is 2.
# xs:unsignedLong goes up to 18446744073709551615, xs:integer has no end; the number of a SIM card (ICCID, ITU-T E.118)
# may have twenty digits and is written as a number in many a schema. One would expect such a value as a text, or a
# fault. But what does not fit into 64 bits with a sign becomes a float: the function gets other digits, no error or
# warning says so, and an echo of it is a plain number again, with digits that nobody sent. The largest unsignedLong
# comes back as one that its own type does not let in. xs:decimal is a text, and keeps all.
# Output seen (what was sent, what PHP has, what its answer says):
#   unsignedLong 18446744073709551615: double: 18446744073709551616
#   integer 89001234567890123456: double: 89001234567890124800
#   decimal 89001234567890123456: string: 89001234567890123456
# What touches users of the shim: it hands such numbers on as they were written. Exits 1 if the behaviour changes.
set -euo pipefail
wanted=8.2.36-1~deb12u1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
(
  cd "$folder"
  packages=("php8.2-cli=$wanted" "php8.2-soap=$wanted" "php8.2-common=$wanted")
  packages+=(libargon2-1 libedit2 libicu72 libpcre2-8-0 libsodium23 libssl3 libxml2 zlib1g)
  apt-get download -qq "${packages[@]}" || { echo "Debian 12's packages cannot be had: ${packages[*]}"; exit 2; }
  for each in *.deb; do dpkg -x "$each" root; done
)
php8.2() {
  LD_LIBRARY_PATH="$folder/root/usr/lib/$(gcc -print-multiarch 2>/dev/null || echo x86_64-linux-gnu)" \
    "$folder/root/usr/bin/php8.2" -n -d extension_dir="$(echo "$folder"/root/usr/lib/php/2*)" -d extension=soap "$@"
}
cd "$folder"
cat >echo.wsdl <<'WSDL'
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t">
  <types><x:schema targetNamespace="urn:t" elementFormDefault="qualified">
    <x:complexType name="values"><x:sequence>
      <x:element name="unsignedLong" type="x:unsignedLong" minOccurs="0"/>
      <x:element name="integer" type="x:integer" minOccurs="0"/>
      <x:element name="decimal" type="x:decimal" minOccurs="0"/></x:sequence></x:complexType>
    <x:element name="Ask" type="t:values"/><x:element name="Answer" type="t:values"/>
  </x:schema></types>
  <message name="in"><part name="p" element="t:Ask"/></message>
  <message name="out"><part name="p" element="t:Answer"/></message>
  <portType name="P"><operation name="Ask"><input message="t:in"/><output message="t:out"/></operation></portType>
  <binding name="B" type="t:P"><s:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="Ask"><s:operation soapAction=""/><input><s:body use="literal"/></input>
      <output><s:body use="literal"/></output></operation></binding>
  <service name="S"><port name="Port" binding="t:B"><s:address location="http://127.0.0.1:1/"/></port></service>
</definitions>
WSDL
cat >echo.php <<'PHP'
<?php
$sent = ['unsignedLong' => '18446744073709551615', 'integer' => '89001234567890123456', 'decimal' => '89001234567890123456'];
$type = '';
function Ask($values) {
    global $type;
    $type = gettype(current(get_object_vars($values)));
    return $values;
}
foreach ($sent as $name => $text) {
    $server = new SoapServer('echo.wsdl', ['cache_wsdl' => WSDL_CACHE_NONE]);
    $server->addFunction('Ask');
    ob_start();
    $server->handle('<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><Ask xmlns="urn:t">'
        . "<$name>$text</$name></Ask></e:Body></e:Envelope>");
    preg_match("~:$name>([^<]*)<~", ob_get_clean(), $answered);
    $lines[] = "$name $text: $type: $answered[1]";
}
echo implode("\n", $lines), "\n";
PHP
php8.2 echo.php 2>&1 | tee seen
diff - seen <<'SEEN'
unsignedLong 18446744073709551615: double: 18446744073709551616
integer 89001234567890123456: double: 89001234567890124800
decimal 89001234567890123456: string: 89001234567890123456
SEEN
