# The life with tclws, on a flat copy of the WSDL of each service. Arguments: folder of the copy, address, tag.
# Header and body of a request share one dictionary, so that a body cannot have a password of its own; a text cannot
# have an attribute.
package require WS::Client
lassign $argv folder address tag
fconfigure stdout -encoding utf-8

# It asks for schemas beside the endpoint; `file:` finds them here.
::WS::Utils::SetOption includeDirectory $folder
# An answer's element of a named type is to it a level of its own.
::WS::Client::SetOption skipLevelOnReply 1

if {[info exists ::env(SHIM_CA)]} {
    package require tls
    ::http::register https 443 [list ::tls::socket -require 1 -cafile $::env(SHIM_CA) -autoservername 0]
}

proc load_service {service} {
    set file [open $::folder/$service.wsdl]
    fconfigure $file -encoding utf-8
    set wsdl [read $file]
    close $file
    ::WS::Client::ParseWsdl $wsdl -serviceAlias $service
    set known ::WS::Client::serviceArr($service)
    dict set $known location $::address/soap2/[string tolower $service]_agent.php
    # An answer's header would be all that it hands over.
    foreach operation [dict keys [dict get [set $known] operation]] {
        dict set $known operation $operation soapReplyHeader {}
    }
}

proc call {user operation fields {password {}}} {
    lassign [split $operation .] service name
    if {$password eq {}} { set password $user-secret }
    set answer [::WS::Client::DoCall $service $name [list username $user password $password {*}$fields]]
    if {[dict exists $answer ${name}Response]} { return [dict get $answer ${name}Response] }
    return $answer
}

proc step {name made} {
    if {[catch {uplevel #0 $made} said]} {
        puts "$name![string map {\n { }} $said]"
    } else {
        puts "$name=[string map {\n { }} $said]"
    }
}

proc fault {made} {
    if {[catch $made said]} { return $said }
    return {no fault}
}

proc logins {answer} { join [lmap each [dict get $answer client] {dict get $each login}] , }

# Answers that it cannot read, as their XML: it loses what an extended type takes from its base, and names within
# types that have none.
proc raw {user operation fields} {
    lassign [split $operation .] service name
    ::WS::Client::DoRawCall $service $name [list username $user password $user-secret {*}$fields]
}

proc text_of {xml path} {
    set document [dom parse $xml]
    set steps [lmap each [split $path /] {return -level 0 "*\[local-name()='$each'\]"}]
    set found [$document selectNodes "string((//[join $steps /])\[1\])"]
    $document delete
    return $found
}

proc profile {login} {
    list name {Cleo Client} company {Cleo Ltd} login $login passwordAuto true country us
}

step loads {
    foreach service {Client Extension Channel} { load_service $service }
    expr {{AddExtension} in [::WS::Client::GetOperationList Extension] ? {yes} : {no}}
}
step lists { logins [call admin Client.GetClients {parentID 10}] }
step empty { logins [call acme Client.GetClients {}] }
step adds {
    set added [raw northwind Extension.AddExtension [list name "Zo\u00eb \u0141ukasz" company "S\u00f6hne & Co <1>" \
        login $tag passwordAuto true country us parentID 20]]
    set line [text_of $added AddExtensionResponse/ID]
    text_of $added AddExtensionResponse/result
}
step edits {
    call northwind Extension.EditExtension [list name "\u017dofie \u00c5ngstr\u00f6m" ID $line]
    set told [raw northwind Extension.GetExtensionDetails [list ID $line]]
    return -level 0 [text_of $told GetExtensionDetailsResponse/name]|[text_of $told GetExtensionDetailsResponse/company]
}
step number {
    set free [text_of [raw northwind Channel.GetPublicNoPoll {userID 20}] available/ID]
    call northwind Channel.AssignPublicNo [list didID $free userID $line]
    set poll [raw northwind Channel.GetPublicNoPoll [list userID $line]]
    set gone [call northwind Extension.DelExtension [list ID $line]]
    return -level 0 "[text_of $poll assigned/externalNo] [dict get $gone items]"
}
step limits {
    foreach {name login} [list first $tag-first second $tag-second] {
        set $name [text_of [raw acme Client.AddClient [profile $login]] AddClientResponse/ID]
    }
    call acme Client.SetClientPL [list phoneExtMax 0 queueExtMax 3 ID $first]
    set found [dict get [call acme Client.GetClientPL [list ID $first]] userPL]
    return -level 0 "? [dict get $found queueExtMax]"
}
step deletes { dict get [call acme Client.DelClient [list ID [list $first $second]]] items }
step fault { fault { call acme Client.AddClient [profile northwind] } }
step password { fault { call acme Client.GetClients {} not-it } }
