"""What the fixture is seeded with: one thing of every kind, added through the shim, in the order they need.

Each is an old operation and its request; `{name}` in a request is the ID of what an earlier line added, and
`{nameKey}` its identifier.
"""

from __future__ import annotations

FURNITURE: tuple[tuple[str, str, str], ...] = (
    # name, operation, request
    ("industry", "PBX.AddIndustry",
     "<name>Trade</name><standardZoneCode>a</standardZoneCode><standardZoneHeight>20</standardZoneHeight>"),
    ("industry2", "PBX.AddIndustry",
     "<name>Crafts</name><standardZoneCode>b</standardZoneCode><standardZoneHeight>30</standardZoneHeight>"),
    ("adminPlan", "Billing.AddChargingPlan", "<name>First</name><userID>1</userID>"),
    ("adminPlan2", "Billing.AddChargingPlan", "<name>Second</name><userID>1</userID>"),
    ("clientPlan", "Billing.AddChargingPlan", "<name>Third</name><userID>20</userID>"),
    ("clientPlan2", "Billing.AddChargingPlan", "<name>Fourth</name><userID>20</userID>"),
    ("plan2", "Billing.AddChargingPlan", "<name>Fifth</name><userID>10</userID>"),
    ("plan", "Billing.AddChargingPlan", "<name>Plan</name><default>true</default><userID>10</userID>"),
    ("package", "Billing.AddChargingPackage",
     "<name>Pack</name><minutes>60</minutes><chargingPlanID>{plan}</chargingPlanID>"),
    ("exception", "Billing.AddDestinationException",
     "<exception><areaCode>44</areaCode><charge><amount>1</amount><interval>60</interval></charge></exception>"
     "<chargingPlanID>{plan}</chargingPlanID>"),
    ("group", "Channel.AddCallRulesOutGroup",
     "<name>Rules</name><userID>10</userID><rules><action>block</action><number>0</number></rules>"),
    ("ruleOut", "Channel.AddCallRulesOut",
     "<ID>{group}</ID><rules><action>process</action><number>1</number></rules>"),
    ("channel", "Channel.AddChannel",
     "<type>sip</type><SIP><name>Trunk</name><hostname>192.0.2.7</hostname><codecs>1</codecs></SIP>"),
    ("channelGroup", "Channel.AddChannelGroup", "<name>Trunks</name><channelID>{channel}</channelID>"),
    ("alert", "PBX.AddCustomAlert", "<code>al1</code><text>Alert</text><userID>20</userID>"),
    ("button", "PBX.AddCustomButton",
     "<code>bu1</code><text>Button</text><URL>example.org</URL><userID>20</userID>"),
    ("block", "PBX.AddTimeIntervalBlock",
     "<name>Hours</name><type>interval</type><timeInterval><startTime>08:00:00</startTime></timeInterval>"
     "<userID>20</userID>"),
    ("interval", "PBX.AddTimeInterval",
     "<ID>{block}</ID><timeInterval><startTime>14:00:00</startTime><month>3</month></timeInterval>"),
    ("device", "PBX.AddDevice", "<name>Phone</name><serial>S1</serial><ownerID>20</ownerID>"),
    ("ruleIn", "Extension.AddCallRulesIn",
     "<rule><busy><match>1</match><number>0</number></busy></rule><userID>30</userID>"),
    ("ruleIn2", "Extension.AddCallRulesIn",
     "<rule><transfer><match>1</match><toVoicemail>1</toVoicemail></transfer></rule><userID>30</userID>"),
    ("ruleIn3", "Extension.AddCallRulesIn",
     "<rule><cascade><match>1</match><ring>9</ring><toNumbers><number>7</number><ringAfter>2</ringAfter></toNumbers></cascade></rule>"
     "<userID>30</userID>"),
    ("ruleIn4", "Extension.AddCallRulesIn",
     "<rule><authenticate><match>1</match><password>12345</password></authenticate></rule><userID>30</userID>"),
    ("ruleIn5", "Extension.AddCallRulesIn",
     "<rule><setCallPriority><match>1</match><priority>1</priority></setCallPriority></rule><userID>30</userID>"),
    ("card", "Extension.AddCardCode",
     "<code><code>1234</code><PIN>1</PIN><credit>5</credit></code><userID>30</userID>"),
    ("callerID", "Extension.AddAuthCallerID",
     "<CallerID><CallerID>2125</CallerID><PIN>1</PIN></CallerID><userID>30</userID>"),
    ("agent", "Extension.AssignQueueAgent", "<ID>30</ID><queueID>32</queueID><penalty>1</penalty>"),
    ("remoteAgent", "Extension.AssignQueueRemoteAgent",
     "<name>Away</name><agentID>77</agentID><registration>phone</registration><phoneNumber>1</phoneNumber>"
     "<queueID>32</queueID>"),
    ("provision", "Extension.SetProvision", "<ID>30</ID><name>Desk</name><phoneModel>generic-sip</phoneModel>"),
    *(
        (kind, "Extension.AddExtension",
         f"<name>{kind}</name><login>{kind}</login><extensionType>{kind}</extensionType><parentID>20</parentID>")
        for kind in ("voicecenter", "callback", "callcard", "intercom", "queuecenter")
    ),
    ("reseller", "Reseller.AddReseller", "<name>Spare</name><login>spare-r</login>"),
    ("client", "Client.AddClient",
     "<name>Spare</name><login>spare-c</login><parentID>10</parentID><chargingPlanID>{plan}</chargingPlanID>"),
)  # fmt: skip
