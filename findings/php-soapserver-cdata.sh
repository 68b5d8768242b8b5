#!/usr/bin/env bash
# PHP's SoapServer and CDATA sections, on messages that are valid by their schema.
#
# Version: PHP 8.2.36, Debian packages php8.2-cli and php8.2-soap 8.2.36-1~deb12u1 (Debian 12); recorded the same for
# 5.2, 7.4 and 8.5. They are unpacked in a temporary folder; where they cannot be had, the exit code is 2.
# One would expect that a CDATA section is only another way to write text. But SoapServer
#   - refuses a number that stands in one: "Violation of encoding rules", for xs:int and <![CDATA[5]]>,
#   - refuses a text that is partly in one: a<![CDATA[b]]>,
#   - drops blank text beside one: " <![CDATA[A & B]]> " is handed over as "A & B",
# while a comment in the middle of a text is read over.
# Output seen:
#   plain:   {"count":5}
#   number:  SOAP-ERROR: Encoding: Violation of encoding rules
#   blanks:  {"name":"A & B"}
#   partly:  SOAP-ERROR: Encoding: Violation of encoding rules
#   comment: {"name":"ab"}
# What touches users of the shim: it takes all of them, and drops the blanks as well.
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
cat >"$folder/put.wsdl" <<'WSDL'
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t">
  <types><x:schema targetNamespace="urn:t" elementFormDefault="qualified">
    <x:element name="Put"><x:complexType><x:sequence>
      <x:element name="count" type="x:int" minOccurs="0"/><x:element name="name" type="x:string" minOccurs="0"/>
    </x:sequence></x:complexType></x:element>
  </x:schema></types>
  <message name="in"><part name="p" element="t:Put"/></message><message name="out"/>
  <portType name="P"><operation name="Put"><input message="t:in"/><output message="t:out"/></operation></portType>
  <binding name="B" type="t:P"><s:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="Put"><s:operation soapAction="Put"/>
      <input><s:body use="literal"/></input><output><s:body use="literal"/></output></operation></binding>
  <service name="S"><port name="P" binding="t:B"><s:address location="http://127.0.0.1/"/></port></service>
</definitions>
WSDL
cat >"$folder/put.php" <<'PHP'
<?php
class Handler { public function Put($given) { file_put_contents('php://stderr', 'GOT ' . json_encode($given) . "\n"); } }
$server = new SoapServer(__DIR__ . '/put.wsdl', ['cache_wsdl' => WSDL_CACHE_NONE]);
$server->setObject(new Handler());
$server->handle('<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><Put xmlns="urn:t">'
    . $argv[1] . '</Put></e:Body></e:Envelope>');
PHP
failed=0
expect() {  # name, content, what has to be in the output
  local said
  said=$(php8.2 -d display_errors=0 "$folder/put.php" "$2" 2>&1 || true)
  if grep -qF -- "$3" <<<"$said"; then echo "$1: as before: $3"; else echo "$1: CHANGED: $said"; failed=1; fi
}
php8.2 --version | head -1
expect plain '<count>5</count>' 'GOT {"count":5}'
expect number '<count><![CDATA[5]]></count>' 'Violation of encoding rules'
expect blanks '<name> <![CDATA[A & B]]> </name>' 'GOT {"name":"A & B"}'
expect partly '<name>a<![CDATA[b]]></name>' 'Violation of encoding rules'
expect comment '<name>a<!-- c -->b</name>' 'GOT {"name":"ab"}'
exit "$failed"
