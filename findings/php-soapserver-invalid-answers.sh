#!/usr/bin/env bash
# Answers of PHP's SoapServer that no strict client can read, for values that its program may well have.
#
# Version: PHP 8.2.36, Debian packages php8.2-cli and php8.2-soap 8.2.36-1~deb12u1 (Debian 12), unpacked in a
# temporary folder; where they cannot be had, the exit code is 2.
# One would expect a fault, or a replacement. But SoapServer
#   - writes a control character in a text as it is, which XML 1.0 does not allow, and declares success,
#   - answers a SOAP 1.2 request for which its program made a fault "100" with 100 in env:Value, where SOAP 1.2 allows
#     five codes, each with a prefix,
#   - leaves xml:lang away from env:Text, where SOAP 1.2 demands it.
# Output seen:
#   control: a\x01b between the tags; xmllint and lxml refuse the answer
#   code:    <env:Value>100</env:Value>
#   text:    <env:Text>No.</env:Text>
# What touches users of the shim: it writes U+FFFD for what XML cannot hold, and in SOAP 1.2 a code of the standard with
# the number as its Subcode.
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
cat >"$folder/answer.wsdl" <<'WSDL'
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" xmlns:d="urn:d" targetNamespace="urn:t">
  <types>
  <x:schema targetNamespace="urn:d" elementFormDefault="qualified">
    <x:element name="ID" type="x:int" nillable="true"/><x:element name="note" type="x:string"/>
  </x:schema>
  <x:schema targetNamespace="urn:t" elementFormDefault="qualified">
    <x:import namespace="urn:d"/>
    <x:element name="Ask"><x:complexType/></x:element>
    <x:element name="Told"><x:complexType><x:sequence>
      <x:element name="row" minOccurs="0"><x:complexType><x:sequence>
        <x:element ref="d:ID"/><x:element name="name" type="x:string" minOccurs="0"/>
      </x:sequence></x:complexType></x:element>
      <x:element name="text" type="x:string" minOccurs="0"/>
    </x:sequence></x:complexType></x:element>
  </x:schema></types>
  <message name="in"><part name="p" element="t:Ask"/></message><message name="out"><part name="p" element="t:Told"/></message>
  <portType name="P"><operation name="Get"><input message="t:in"/><output message="t:out"/></operation></portType>
  <binding name="B" type="t:P"><s:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="Get"><s:operation soapAction="Get"/>
      <input><s:body use="literal"/></input><output><s:body use="literal"/></output></operation></binding>
  <service name="S"><port name="P" binding="t:B"><s:address location="http://127.0.0.1/"/></port></service>
</definitions>
WSDL
cat >"$folder/answer.php" <<'PHP'
<?php
[, $envelope, $answer] = $argv;
class Handler
{
    public function __construct(private mixed $answer) {}
    public function Get() { return is_string($this->answer) ? new SoapFault($this->answer, 'No.') : $this->answer; }
}
$server = new SoapServer(__DIR__ . '/answer.wsdl', ['cache_wsdl' => WSDL_CACHE_NONE]);
$server->setObject(new Handler(json_decode($answer)));
$server->handle("<e:Envelope xmlns:e=\"$envelope\"><e:Body><Ask xmlns=\"urn:t\"/></e:Body></e:Envelope>");
PHP
soap11=http://schemas.xmlsoap.org/soap/envelope/
soap12=http://www.w3.org/2003/05/soap-envelope
failed=0
expect() {  # name, envelope, answer, what has to be in the output
  local said
  said=$(php8.2 -d display_errors=0 "$folder/answer.php" "$2" "$3" 2>&1 || true)
  if grep -qF -- "$4" <<<"$said"; then echo "$1: as before: $4"; else echo "$1: CHANGED: $said"; failed=1; fi
}
php8.2 --version | head -1
expect control "$soap11" '{"text": "a\u0001b"}' $'<ns1:text>a\x01b</ns1:text>'
expect code "$soap12" '"100"' '<env:Value>100</env:Value>'
expect text "$soap12" '"100"' '<env:Text>No.</env:Text>'
exit "$failed"
