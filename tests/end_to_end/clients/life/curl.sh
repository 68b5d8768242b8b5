#!/bin/sh
# The life with curl and messages written by hand; answers are read with sed. Arguments: address, tag.
base=$1 tag=$2

# call USER OPERATION FIELDS [PASSWORD]: the answer on one line
call() {
  service=${2%.*} name=${2#*.}
  endpoint=$(printf %s "$service" | tr '[:upper:]' '[:lower:]')
  curl --silent ${SHIM_CA:+--cacert "$SHIM_CA"} --header 'SOAPAction: ""' --header 'Content-Type: text/xml' \
    --data-binary @- "$base/soap2/${endpoint}_agent.php" <<MESSAGE | tr '\n' ' '
<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:v="http://4psa.com/${service}Messages.xsd/2.5.1" xmlns:h="http://4psa.com/HeaderData.xsd/2.5.1">
  <soapenv:Header>
    <h:userCredentials><h:username>$1</h:username><h:password>${4:-$1-secret}</h:password></h:userCredentials>
  </soapenv:Header>
  <soapenv:Body>
    <v:${name}Request>$3</v:${name}Request>
  </soapenv:Body>
</soapenv:Envelope>
MESSAGE
}

# every NAME: the texts of elements of that name, a line each
every() { grep -o "<\([A-Za-z0-9]*:\)\{0,1\}$1[ >][^<]*" | sed 's/^<[^>]*>//; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g'; }
one() { every "$1" | head -n 1; }
logins() { every login | paste -s -d , -; }
profile() { echo "<v:name>Cleo Client</v:name><v:company>Cleo Ltd</v:company><v:login>$1</v:login><v:password>Pass-2025</v:password><v:country>us</v:country>"; }

echo "lists=$(call admin Client.GetClients '<v:parentID>10</v:parentID>' | logins)"
echo "empty=$(call acme Client.GetClients '' | logins)"
added=$(call northwind Extension.AddExtension "<v:name>Zoë Łukasz</v:name><v:company>Söhne &amp; Co &lt;1></v:company><v:login>$tag</v:login><v:password>Pass-2025</v:password><v:country>us</v:country><v:parentID>20</v:parentID>")
line=$(echo "$added" | one ID)
echo "adds=$(echo "$added" | one result)"
call northwind Extension.EditExtension "<v:name>Žofie Ångström</v:name><v:ID>$line</v:ID>" >/dev/null
told=$(call northwind Extension.GetExtensionDetails "<v:ID>$line</v:ID>")
echo "edits=$(echo "$told" | one name)|$(echo "$told" | one company)"
free=$(call northwind Channel.GetPublicNoPoll '<v:userID>20</v:userID>' | one ID)
call northwind Channel.AssignPublicNo "<v:didID>$free</v:didID><v:userID>$line</v:userID>" >/dev/null
poll=$(call northwind Channel.GetPublicNoPoll "<v:userID>$line</v:userID>" | sed 's/<\([a-z0-9]*:\)\{0,1\}available>.*<\/\([a-z0-9]*:\)\{0,1\}available>//')
gone=$(call northwind Extension.DelExtension "<v:ID>$line</v:ID>")
echo "number=$(echo "$poll" | one externalNo) $(echo "$gone" | one items)"
first=$(call acme Client.AddClient "$(profile "$tag-first")" | one ID)
second=$(call acme Client.AddClient "$(profile "$tag-second")" | one ID)
call acme Client.SetClientPL "<v:phoneExtMax unlimited=\"true\">0</v:phoneExtMax><v:queueExtMax unlimited=\"false\">3</v:queueExtMax><v:ID>$first</v:ID>" >/dev/null
limits=$(call acme Client.GetClientPL "<v:ID>$first</v:ID>")
echo "limits=$(echo "$limits" | grep -o 'phoneExtMax unlimited="[a-z]*"' | cut -d '"' -f 2) $(echo "$limits" | one queueExtMax)"
echo "deletes=$(call acme Client.DelClient "<v:ID>$first</v:ID><v:ID>$second</v:ID>" | one items)"
echo "fault=$(call acme Client.AddClient "$(profile northwind)" | one faultstring)"
echo "password=$(call acme Client.GetClients '' not-it | one faultstring)"
