#!/usr/bin/env bash
# Apache Axis 1.4 and a date that has an attribute, in an answer that is valid by its schema.
#
# Version: libaxis-java 1.4-28+deb12u1 of Debian 12, on its OpenJDK 17. Another version is not judged: exit code 2.
# One would expect that xs:date is read in the same way with an attribute beside it and without. Without, it is read as
# XML Schema writes it. With one (xs:date extended in a simpleContent), the generated class reads the text by the
# machine's locale, as a date with a time of day: no date of XML Schema is that, neither in English nor in Swedish,
# where people write dates as XML Schema does.
# Output seen, with both locales:
#   plain date: 2026-01-31
#   with an attribute: org.xml.sax.SAXException: ... java.text.ParseException: Unparseable date: "2026-01-31"
# What touches users of the shim: Axis 1.4 cannot read an answer that has an accountExpire; docs/clients.md says so.
# Exits 1 if the behaviour changes.
set -euo pipefail
wanted=1.4-28+deb12u1
found=$(dpkg-query -W -f='${Version}' libaxis-java 2>/dev/null || true)
if [ "$found" != "$wanted" ]; then
  echo "needs Debian's libaxis-java $wanted (apt-get install libaxis-java=$wanted default-jdk-headless); found: ${found:-none}"
  exit 2
fi
jars=
for name in axis axis-jaxrpc axis-saaj jaxrpc saaj wsdl4j commons-discovery commons-logging javax.mail javax.activation; do
  jars+="/usr/share/java/$name.jar:"
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >dates.wsdl <<'WSDL'
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t">
  <types><x:schema targetNamespace="urn:t" elementFormDefault="qualified">
    <x:complexType name="expiry"><x:simpleContent><x:extension base="x:date">
      <x:attribute name="never" type="x:boolean"/></x:extension></x:simpleContent></x:complexType>
    <x:element name="Ask"><x:complexType><x:sequence/></x:complexType></x:element>
    <x:element name="Answer"><x:complexType><x:sequence>
      <x:element name="created" type="x:date" minOccurs="0"/><x:element name="expires" type="t:expiry" minOccurs="0"/>
    </x:sequence></x:complexType></x:element>
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
java -cp "$jars" org.apache.axis.wsdl.WSDL2Java -W -p t -o . dates.wsdl 2>/dev/null
cat >Try.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.URL;
import java.text.SimpleDateFormat;
import t.*;

public class Try {
    static String inner;

    static String ask(URL url, String content) {
        inner = content;
        try {
            Answer answer = new BStub(url, new SLocator()).ask(new Ask());
            java.util.Date date = answer.getCreated();
            return date == null ? "nothing" : new SimpleDateFormat("yyyy-MM-dd").format(date);
        } catch (Exception failed) {
            return failed.toString().split("\n")[0];
        }
    }

    public static void main(String[] none) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/", exchange -> {
            exchange.getRequestBody().readAllBytes();
            byte[] body = ("<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><Answer xmlns=\"urn:t\">"
                + inner + "</Answer></e:Body></e:Envelope>").getBytes();
            exchange.getResponseHeaders().set("Content-Type", "text/xml");
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        URL url = new URL("http://127.0.0.1:" + server.getAddress().getPort() + "/");
        System.out.println("plain date: " + ask(url, "<created>2026-01-31</created>"));
        System.out.println("with an attribute: " + ask(url, "<expires never=\"false\">2026-01-31</expires>"));
        server.stop(0);
    }
}
JAVA
javac -nowarn -proc:none -cp "$jars" -d . t/*.java Try.java 2>/dev/null
for place in en-US sv-SE; do
  echo "$place"
  TZ=UTC java -Duser.language="${place%-*}" -Duser.country="${place#*-}" -cp "$jars:." Try 2>/dev/null
done | tee seen
diff - seen <<'SEEN'
en-US
plain date: 2026-01-31
with an attribute: org.xml.sax.SAXException: java.lang.RuntimeException: java.text.ParseException: Unparseable date: "2026-01-31"
sv-SE
plain date: 2026-01-31
with an attribute: org.xml.sax.SAXException: java.lang.RuntimeException: java.text.ParseException: Unparseable date: "2026-01-31"
SEEN
