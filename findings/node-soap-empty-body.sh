#!/usr/bin/env bash
# node-soap 1.13.0 and strong-soap 5.0.10 (npm): a document/literal operation that is called without an argument
# goes out with an empty SOAP Body, though the WSDL names a body element. An empty object makes node-soap write the
# element, and strong-soap not: that one wants the element's own name around it. WS-I Basic Profile (R2712) wants
# the element, and a server that dispatches by it has nothing to go by but SOAPAction.
#
# Seen: node-soap: "undefined -> is empty", "{} -> has ListRequest"; strong-soap: "undefined -> is empty",
# "{} -> is empty", "{ListRequest: {}} -> has ListRequest". Exits 1 if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --ignore-scripts --no-audit --no-fund --silent soap@1.13.0 strong-soap@5.0.10

cat > list.wsdl <<'WSDL'
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
             xmlns:t="urn:list" targetNamespace="urn:list">
  <types>
    <xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:list" elementFormDefault="qualified">
      <xs:element name="ListRequest">
        <xs:complexType><xs:sequence><xs:element name="filter" type="xs:string" minOccurs="0"/></xs:sequence></xs:complexType>
      </xs:element>
      <xs:element name="ListResponse" type="xs:string"/>
    </xs:schema>
  </types>
  <message name="in"><part name="body" element="t:ListRequest"/></message>
  <message name="out"><part name="body" element="t:ListResponse"/></message>
  <portType name="List"><operation name="List"><input message="t:in"/><output message="t:out"/></operation></portType>
  <binding name="List" type="t:List">
    <soap:binding transport="http://schemas.xmlsoap.org/soap/http" style="document"/>
    <operation name="List">
      <soap:operation soapAction="urn:list:List"/>
      <input><soap:body use="literal"/></input><output><soap:body use="literal"/></output>
    </operation>
  </binding>
  <service name="Service"><port name="Port" binding="t:List"><soap:address location="http://127.0.0.1:1/"/></port></service>
</definitions>
WSDL

cat > ask.js <<'SCRIPT'
'use strict';
const http = require('http');
const ANSWER = '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
  + '<ListResponse xmlns="urn:list">x</ListResponse></e:Body></e:Envelope>';
let asked = '';
const server = http.createServer((request, response) => {
  asked = '';
  request.on('data', (data) => { asked += data; });
  request.on('end', () => response.setHeader('Content-Type', 'text/xml').end(ANSWER));
});
const made = (soap) => new Promise((resolve, reject) =>
  soap.createClient('list.wsdl', {}, (error, client) => (error ? reject(error) : resolve(client))));
server.listen(0, '127.0.0.1', async () => {
  let changed = false;
  const packages = { 'node-soap': require('soap'), 'strong-soap': require('strong-soap').soap };
  for (const [name, soap] of Object.entries(packages)) {
    const client = await made(soap);
    client.setEndpoint(`http://127.0.0.1:${server.address().port}/`);
    const named = ['{ListRequest: {}}', { ListRequest: {} }, true];
    const cases = [['undefined', undefined, false], ['{}', {}, name === 'node-soap'], named];
    for (const [shown, argument, wanted] of name === 'node-soap' ? cases.slice(0, 2) : cases) {
      await new Promise((resolve) => client.List(argument, resolve));
      if (!/<\/?\w*:?Body/.test(asked)) throw new Error(`no message: ${asked}`);
      const there = /ListRequest/.test(asked.replace(/[\s\S]*?<\w*:?Body/, ''));
      console.log(`${name}: ${shown} -> body ${there ? 'has ListRequest' : 'is empty'}`);
      changed ||= there !== wanted;
    }
  }
  process.exit(changed ? 1 : 0);
});
SCRIPT
node ask.js
