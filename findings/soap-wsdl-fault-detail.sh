#!/usr/bin/env bash
# Perl's SOAP::WSDL and a fault with an element in its `detail`.
#
# Version: libsoap-wsdl-perl 3.004-2 of Debian 12. Another version is not judged: exit code 2.
# One would expect that a program gets faultcode and faultstring of whatever fault the server sends: SOAP 1.1 lets any
# element stand in `detail` (4.4), and a WSDL without a `fault` says nothing about it. But SOAP::WSDL looks for a class
# of each element in it, and where the WSDL names none it gives the program a fault of its own: faultcode
# SOAP-ENV:Server, and what it could not do in place of what the server said. A `detail` that has text alone is fine.
# Output seen:
#   no detail: e:Client: There is no such account.
#   text: e:Client: There is no such account.
#   an element: SOAP-ENV:Server: Error deserializing message: Cannot resolve class for Fault/detail/code
# What touches users of the shim: faults have no `detail` unless an integration wants it (`faults.detail`).
# Exits 1 if the behaviour changes.
set -euo pipefail
wanted=3.004-2
found=$(dpkg-query -W -f='${Version}' libsoap-wsdl-perl 2>/dev/null || true)
if [ "$found" != "$wanted" ]; then
  echo "needs Debian's libsoap-wsdl-perl $wanted (apt-get install libsoap-wsdl-perl=$wanted); found: ${found:-none}"
  exit 2
fi
folder=$(mktemp -d)
trap 'kill %1 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
cat >ask.wsdl <<'WSDL'
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t">
  <types><x:schema targetNamespace="urn:t" elementFormDefault="qualified">
    <x:element name="Ask"><x:complexType><x:sequence>
      <x:element name="filter" type="x:string" minOccurs="0"/></x:sequence></x:complexType></x:element>
    <x:element name="Answer"><x:complexType><x:sequence>
      <x:element name="text" type="x:string"/></x:sequence></x:complexType></x:element>
  </x:schema></types>
  <message name="in"><part name="parameters" element="t:Ask"/></message>
  <message name="out"><part name="parameters" element="t:Answer"/></message>
  <portType name="P"><operation name="Ask"><input message="t:in"/><output message="t:out"/></operation></portType>
  <binding name="B" type="t:P"><s:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="Ask"><s:operation soapAction=""/><input><s:body use="literal"/></input>
      <output><s:body use="literal"/></output></operation></binding>
  <service name="S"><port name="Port" binding="t:B"><s:address location="http://127.0.0.1:1/"/></port></service>
</definitions>
WSDL
cat >server.py <<'PYTHON'
import http.server

FAULT = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault><faultcode>e:Client</faultcode>'
    "<faultstring>There is no such account.</faultstring>%s</e:Fault></e:Body></e:Envelope>"
)
DETAILS = {"none": "", "text": "<detail>17</detail>", "element": "<detail><code>17</code></detail>"}


class Answers(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = (FAULT % DETAILS[self.path[1:]]).encode()
        self.send_response(500)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Answers)
print(server.server_port, flush=True)
server.serve_forever()
PYTHON
mkfifo port
python3 server.py >port &
read -r port <port
wsdl2perl -b . "file://$folder/ask.wsdl" >/dev/null 2>&1
cat >ask.pl <<'PERL'
use strict;
use warnings;
use lib '.';
use MyInterfaces::S::Port;
for my $each ('no detail none', 'text text', 'an element element') {
    my ($name, $path) = $each =~ /(.*) (\S+)/;
    my $fault = MyInterfaces::S::Port->new({proxy => "http://127.0.0.1:$ARGV[0]/$path"})->Ask({});
    my ($text) = $fault->get_faultstring =~ /^(.*?)(?: via .*)?$/m;
    printf "%s: %s: %s\n", $name, $fault->get_faultcode, $text;
}
PERL
perl ask.pl "$port" | tee seen
diff - seen <<'SEEN'
no detail: e:Client: There is no such account.
text: e:Client: There is no such account.
an element: SOAP-ENV:Server: Error deserializing message: Cannot resolve class for Fault/detail/code
SEEN
