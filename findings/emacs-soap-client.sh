#!/usr/bin/env bash
# Emacs's soap-client.el and two things of the schema, on messages that are valid by it.
#
# Version: soap-client.el as it comes with Emacs 28.2, Debian package emacs-nox 1:28.2+1-15+deb12u4 (Debian 12).
# Another version is not judged: exit code 2.
# One would expect that a value of an enumeration of numbers is read, and that an answer declares the prefixes that it
# uses. But soap-client.el
#   - refuses 2 as a value of xs:int restricted to 0 and 2: it turns the values of the schema into numbers and compares
#     them with the text;
#   - cannot read a text with an attribute unless the answer declares the prefix `xsi`, whether it uses that or not.
# Output seen:
#   enumeration: (error "Xs-simple-type(2, level): bad value, should be one of (2 0)")
#   without xsi: (error "Soap-l2fq(xsi:type): unknown alias xsi")
#   with xsi:    (((limit (unlimited) . 3)))
# What touches users of the shim: the answers of the old server do not declare `xsi` either, so both are work of the
# integrator, and docs/clients.md says so. Exits 1 if the behaviour changes.
set -euo pipefail
wanted=1:28.2+1-15+deb12u4
found=$(dpkg-query -W -f='${Version}' emacs-nox 2>/dev/null || true)
if [ "$found" != "$wanted" ]; then
  echo "needs Debian's emacs-nox $wanted (apt-get install emacs-nox=$wanted); found: ${found:-none}"
  exit 2
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/limits.wsdl" <<'WSDL'
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t">
  <types><x:schema targetNamespace="urn:t" elementFormDefault="qualified">
    <x:simpleType name="level"><x:restriction base="x:int">
      <x:enumeration value="0"/><x:enumeration value="2"/></x:restriction></x:simpleType>
    <x:complexType name="limit"><x:simpleContent><x:extension base="x:int">
      <x:attribute name="unlimited" type="x:boolean"/></x:extension></x:simpleContent></x:complexType>
    <x:element name="Ask"><x:complexType><x:sequence/></x:complexType></x:element>
    <x:element name="Answer"><x:complexType><x:sequence>
      <x:element name="level" type="t:level" minOccurs="0"/><x:element name="limit" type="t:limit" minOccurs="0"/>
    </x:sequence></x:complexType></x:element>
  </x:schema></types>
  <message name="in"><part name="p" element="t:Ask"/></message>
  <message name="out"><part name="p" element="t:Answer"/></message>
  <portType name="P"><operation name="Ask"><input message="t:in"/><output message="t:out"/></operation></portType>
  <binding name="B" type="t:P"><s:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="Ask"><s:operation soapAction="Ask"/>
      <input><s:body use="literal"/></input><output><s:body use="literal"/></output></operation></binding>
  <service name="S"><port name="Port" binding="t:B"><s:address location="http://127.0.0.1/"/></port></service>
</definitions>
WSDL
cat >"$folder/read.el" <<'LISP'
(require 'soap-client)
(defconst answer "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'%s><e:Body><Answer xmlns='urn:t'>%s</Answer></e:Body></e:Envelope>")
(defconst xsi " xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'")
(let* ((inhibit-message t)
       (wsdl (soap-load-wsdl (expand-file-name "limits.wsdl")))
       (operation (soap-find-operation (soap-find-port wsdl "Port") "Ask")))
  (dolist (each `(("enumeration" ,xsi "<level>2</level>")
                  ("without xsi" "" "<limit unlimited='false'>3</limit>")
                  ("with xsi" ,xsi "<limit unlimited='false'>3</limit>")))
    (let ((seen (condition-case problem
                    (with-temp-buffer
                      (insert (format answer (nth 1 each) (nth 2 each)))
                      (soap-parse-envelope (car (xml-parse-region (point-min) (point-max))) operation wsdl))
                  (error problem))))
      (princ (format "%s: %S\n" (car each) seen)))))
LISP
cd "$folder"
said=$(emacs -Q --batch -l read.el 2>/dev/null)
echo "$said"
for wanted in 'enumeration: (error "Xs-simple-type(2, level): bad value, should be one of (2 0)")' \
  'without xsi: (error "Soap-l2fq(xsi:type): unknown alias xsi")' 'with xsi: (((limit (unlimited) . 3)))'; do
  grep -qxF -- "$wanted" <<<"$said" || { echo "CHANGED, expected: $wanted"; exit 1; }
done
