#!/usr/bin/env bash
# Tcl's tclws (package WS::Client) and a SOAP header whose elements have names that the body has, too.
#
# Version: tclws 3.4.0-2 of Debian 12 (WS::Client 3.0.1). Another version is not judged: exit code 2.
# A call has one dictionary of arguments. One would expect that header and body can be told apart in it, by the name of
# their elements perhaps. But it is read twice, once for the header and once for the body: an element with the same name
# has the same value in both, so that nobody can add an account with a password other than the caller's own, and the
# names of header and body as keys find nothing.
# Output seen (header / body):
#   flat: <login>new</login><password>new-secret</password> / <login>new</login><password>new-secret</password>
#   nested: nothing / nothing
# What touches users of the shim: the header of 2.5 has `username` and `password`, and accounts have a password too; docs/clients.md
# says how Tcl programs add them all the same. Exits 1 if the behaviour changes.
set -euo pipefail
wanted=3.4.0-2
found=$(dpkg-query -W -f='${Version}' tclws 2>/dev/null || true)
if [ "$found" != "$wanted" ]; then
  echo "needs Debian's tclws $wanted (apt-get install tclws=$wanted); found: ${found:-none}"
  exit 2
fi
folder=$(mktemp -d)
trap 'kill %1 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
cat >server.py <<'PYTHON'
import http.server
import re

ANSWER = (
    b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
    b'<Answer xmlns="urn:t"><text>done</text></Answer></e:Body></e:Envelope>'
)


class Answers(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        found = [re.search(f"<tns1:{name}>(.*?)</tns1:{name}>", asked) for name in ("credentials", "AddAccount")]
        print(" / ".join(each[1].replace("tns1:", "") if each else "nothing" for each in found), flush=True)
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Answers)
with open("port", "w") as file:
    print(server.server_port, file=file)
server.serve_forever()
PYTHON
mkfifo port
python3 server.py >seen &
read -r port <port
cat >account.wsdl <<WSDL
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t">
  <types><x:schema targetNamespace="urn:t" elementFormDefault="qualified">
    <x:element name="credentials"><x:complexType><x:sequence>
      <x:element name="login" type="x:string"/><x:element name="password" type="x:string"/></x:sequence></x:complexType></x:element>
    <x:element name="AddAccount"><x:complexType><x:sequence>
      <x:element name="login" type="x:string"/><x:element name="password" type="x:string"/></x:sequence></x:complexType></x:element>
    <x:element name="Answer"><x:complexType><x:sequence><x:element name="text" type="x:string"/></x:sequence></x:complexType></x:element>
  </x:schema></types>
  <message name="in"><part name="parameters" element="t:AddAccount"/></message>
  <message name="head"><part name="credentials" element="t:credentials"/></message>
  <message name="out"><part name="parameters" element="t:Answer"/></message>
  <portType name="P"><operation name="AddAccount"><input message="t:in"/><output message="t:out"/></operation></portType>
  <binding name="B" type="t:P"><s:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="AddAccount"><s:operation soapAction="add"/><input><s:header message="t:head" part="credentials" use="literal"/><s:body use="literal"/></input>
      <output><s:body use="literal"/></output></operation></binding>
  <service name="S"><port name="Port" binding="t:B"><s:address location="http://127.0.0.1:$port/"/></port></service>
</definitions>
WSDL
cat >add.tcl <<'TCL'
package require WS::Client
set file [open account.wsdl]
::WS::Client::ParseWsdl [read $file] -createStubs 0
close $file
::WS::Client::DoCall S AddAccount {login new password new-secret}
::WS::Client::DoCall S AddAccount {
    credentials {login admin password admin-secret} AddAccount {login new password new-secret}
}
TCL
tclsh add.tcl
cat seen
diff - seen <<'SEEN'
<login>new</login><password>new-secret</password> / <login>new</login><password>new-secret</password>
nothing / nothing
SEEN
