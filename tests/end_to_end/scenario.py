"""One life of a client, of a reseller and of a phone line, as steps that each real client makes in its own way.

A step is data, so that the scripts in `clients/` have nothing to decide: they make the calls with what their
language has, and print what it made of the answers. In fields, {"#": text, "@name": value} is an element with
attributes, {"base64": text} is bytes that toolkit or script encodes, a list is a repeated element, and
"$client" the ID that the step `add client` got.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Fields = dict[str, Any]

ADMIN = ("admin", "admin-secret")
ACME = ("acme", "acme-secret")
NORTHWIND = ("northwind", "northwind-secret")


class Step(NamedTuple):
    """A call. `save` names the placeholder that its ID is kept under, or says `name=path/to/it`."""

    name: str
    login: tuple[str, str]
    operation: str
    fields: Fields
    save: str | None = None

    @property
    def data(self) -> Fields:
        """As it is handed to a script."""
        service, operation = self.operation.split(".")
        return {**self._asdict(), "service": service, "operation": operation}


def limit(number: int) -> Fields:
    return {"#": number, "@unlimited": False}


UNLIMITED: Fields = {"#": 0, "@unlimited": True}


def client_steps(tag: str) -> list[Step]:
    """The client's life: with the reseller acme at first, then moved to fabrikam by the administrator."""
    this = {"ID": "$client"}
    profile = {"name": "Cleo Client", "company": "Client & Sons", "country": "us", "city": "Albany"}
    login = {"login": f"{tag}-client", "password": "Pass-2025", "email": "cleo@client.example"}
    permissions = {"extensionManag": True, "MyVoipNowManag": "standard", "ProvisionManag": 2}
    limits = {"phoneExtMax": limit(5), "queueExtMax": UNLIMITED, "mailboxSize": limit(100)}
    changes = {"phoneExtMax": {"increase": "2"}, "queueExtMax": {"value": 3}, "ivrExtMax": {"unlimited": True}}
    return [
        Step("list clients", ACME, "Client.GetClients", {}),
        Step("add client", ACME, "Client.AddClient",
             {**profile, **login, "industry": "7", "notifyOnly": "0100"}, "client"),
        Step("list clients with it", ACME, "Client.GetClients", {}),
        Step("read client", ACME, "Client.GetClientDetails", this),
        Step("edit client", ACME, "Client.EditClient", {**this, "company": "Client Ltd", "industry": "9"}),
        Step("read edited client", ACME, "Client.GetClientDetails", this),
        Step("set client status", ACME, "Client.SetClientStatus",
             {**this, "status": False, "phoneStatus": "16"}),
        Step("close client panel", ACME, "Client.SetClientCpAccess", {**this, "cpAccess": False}),
        Step("read disabled client", ACME, "Client.GetClientDetails", this),
        Step("set client permissions", ACME, "Client.SetClientPL", {**this, **permissions, **limits}),
        Step("read client permissions", ACME, "Client.GetClientPL", this),
        Step("update client permissions", ACME, "Client.UpdateClientPL",
             {**this, **changes, "MyVoipNowManag": "premium"}),
        Step("read updated client permissions", ACME, "Client.GetClientPL", this),
        Step("move client", ADMIN, "Client.MoveClients",
             {"ID": ["$client"], "resellerID": 11, "chargingPlanID": 2}),
        Step("read moved client", ADMIN, "Client.GetClientDetails", this),
        Step("list clients of fabrikam", ADMIN, "Client.GetClients", {"parentID": 11}),
        Step("read client that was taken away", ACME, "Client.GetClientDetails", this),
        Step("delete client", ADMIN, "Client.DelClient", {"ID": ["$client"]}),
        Step("read deleted client", ADMIN, "Client.GetClientDetails", this),
        Step("list clients of fabrikam again", ADMIN, "Client.GetClients", {"parentID": 11}),
        Step("add client with a login that is taken", ACME, "Client.AddClient",
             {**profile, **login, "login": "northwind"}),
        Step("list clients with a wrong password", ("acme", f"not-{tag}"), "Client.GetClients", {}),
        Step("list clients as the client", NORTHWIND, "Client.GetClients", {}),
    ]  # fmt: skip


def reseller_steps(tag: str) -> list[Step]:
    """The reseller's life, as the administrator leads it."""
    this = {"ID": "$reseller"}
    profile = {"name": "Rosa Reseller", "company": "Resold", "country": "us"}
    login = {"login": f"{tag}-reseller", "password": "Pass-2025", "email": "rosa@reseller.example"}
    permissions = {"clientManag": True, "advertisingManag": True, "MyVoipNowManag": "standard"}
    limits = {"clientMax": limit(3), "phoneExtMax": UNLIMITED}
    changes = {"clientMax": {"increase": "2"}, "phoneExtMax": {"value": 9}, "ivrExtMax": {"unlimited": True}}
    return [
        Step("list resellers", ADMIN, "Reseller.GetResellers", {}),
        Step("add reseller", ADMIN, "Reseller.AddReseller",
             {**profile, **login, "notifyOnly": 1100}, "reseller"),
        Step("list resellers with it", ADMIN, "Reseller.GetResellers", {}),
        Step("read reseller", ADMIN, "Reseller.GetResellerDetails", this),
        Step("edit reseller", ADMIN, "Reseller.EditReseller", {**this, "company": "Resold Networks"}),
        Step("set reseller status", ADMIN, "Reseller.SetResellerStatus",
             {**this, "status": False, "phoneStatus": "32"}),
        Step("close reseller panel", ADMIN, "Reseller.SetResellerCpAccess", {**this, "cpAccess": False}),
        Step("read disabled reseller", ADMIN, "Reseller.GetResellerDetails", this),
        Step("set reseller permissions", ADMIN, "Reseller.SetResellerPL", {**this, **permissions, **limits}),
        Step("read reseller permissions", ADMIN, "Reseller.GetResellerPL", this),
        Step("update reseller permissions", ADMIN, "Reseller.UpdateResellerPL", {**this, **changes}),
        Step("read updated reseller permissions", ADMIN, "Reseller.GetResellerPL", this),
        Step("add reseller with a login that is taken", ADMIN, "Reseller.AddReseller",
             {**profile, **login, "login": "fabrikam"}),
        Step("delete reseller", ADMIN, "Reseller.DelReseller", {"ID": ["$reseller"]}),
        Step("read deleted reseller", ADMIN, "Reseller.GetResellerDetails", this),
        Step("list resellers again", ADMIN, "Reseller.GetResellers", {}),
    ]  # fmt: skip


def line_steps(tag: str, number: int) -> list[Step]:
    """A phone line's life, as its client leads it; `number` is the ID of a public number that is free."""
    this = {"ID": "$line"}
    profile = {"name": "Lina Line", "company": "Northwind & Sons", "country": "us"}
    linked = {"operation": [{"identifier": "mine", "package": {"base64": "<GetClientsRequest/>"}}]}
    return [
        Step("own client", NORTHWIND, "Client.GetClients", {}),
        Step("numbers", NORTHWIND, "Channel.GetPublicNoPoll", {"userID": 20}),
        Step("add", NORTHWIND, "Extension.AddExtension",
             {**profile, "login": tag, "password": "Pass-2025", "parentID": 20}, "line"),
        Step("assign", NORTHWIND, "Channel.AssignPublicNo", {"didID": [number], "userID": "$line"}),
        Step("find", NORTHWIND, "Extension.GetExtensions", {"filter": tag, "parentID": 20}),
        Step("edit", NORTHWIND, "Extension.EditExtension", {**this, "name": "Lina Longline"}),
        Step("set", NORTHWIND, "Extension.SetExtensionStatus", {**this, "status": True, "phoneStatus": "16"}),
        Step("details", NORTHWIND, "Extension.GetExtensionDetails", this),
        Step("account", NORTHWIND, "Account.SetAccountStatus", {**this, "status": True, "phoneStatus": "1"}),
        Step("plans", NORTHWIND, "Billing.GetChargingPlans", {"userID": 20}),
        Step("stats", NORTHWIND, "Report.QuickStats", {"userID": 20}),
        Step("zone", NORTHWIND, "PBX.GetTimezone", {"code": "gb"}),
        Step("linked", NORTHWIND, "GlobalOp.LinkedOp", linked),
        Step("resellers", ADMIN, "Reseller.GetResellers", {}),
        Step("delete", NORTHWIND, "Extension.DelExtension", {"ID": ["$line"]}),
        Step("gone", NORTHWIND, "Extension.GetExtensionDetails", this),
    ]  # fmt: skip


def phone_line_steps(tag: str) -> list[Step]:
    """The life of one phone line, as a known client leads it: it knows its login and nothing else at first."""
    login = f"{tag}-line"
    profile = {
        "name": "Lina Line", "company": "Northwind Traders", "login": login, "password": "Pass-2025",
        "phone": "2125550199", "fax": "2125550198", "city": "New York", "pcode": "10001", "country": "us",
    }  # fmt: skip
    line, owner = {"ID": "$line"}, {"userID": "$line"}
    found = {"filter": login, "parentID": "$own"}
    return [
        Step("find own client", NORTHWIND, "Client.GetClients", {}, "own=client/ID"),
        Step("poll numbers", NORTHWIND, "Channel.GetPublicNoPoll", {"userID": "$own"},
             "number=publicNo/available/ID"),
        Step("add line", NORTHWIND, "Extension.AddExtension", {**profile, "parentID": "$own"}, "line"),
        Step("assign number", NORTHWIND, "Channel.AssignPublicNo", {"didID": "$number", **owner}),
        Step("poll with it assigned", NORTHWIND, "Channel.GetPublicNoPoll", {"userID": "$own"}),
        Step("find by login", NORTHWIND, "Extension.GetExtensions", found, "found=extension/ID"),
        Step("read details", NORTHWIND, "Extension.GetExtensionDetails", {"ID": "$found"}),
        Step("read permissions", NORTHWIND, "Extension.GetExtensionPL", line),
        Step("read settings", NORTHWIND, "Extension.GetExtensionSettings", line),
        Step("read caller IDs", NORTHWIND, "Extension.GetAvailableCallerID", line),
        Step("add call rule", NORTHWIND, "Extension.AddCallRulesIn",
             {**owner, "rule": {"busy": {"match": "1", "number": "5551234"}}}),
        Step("read call rules", NORTHWIND, "Extension.GetCallRulesIn", owner),
        Step("set voicemail", NORTHWIND, "Extension.SetVoicemail", {**line, "status": True}),
        Step("read voicemail", NORTHWIND, "Extension.GetVoicemailSettings", line),
        Step("edit profile", NORTHWIND, "Extension.EditExtension", {**line, "name": "Lina Longer"}),
        Step("switch off", NORTHWIND, "Extension.SetExtensionStatus", {**line, "phoneStatus": "16"}),
        Step("poll own numbers", NORTHWIND, "Channel.GetPublicNoPoll", owner),
        Step("read edited details", NORTHWIND, "Extension.GetExtensionDetails", line),
        Step("delete line", NORTHWIND, "Extension.DelExtension", {"ID": ["$line"]}),
        Step("poll once it is gone", NORTHWIND, "Channel.GetPublicNoPoll", {"userID": "$own"}),
        Step("find once it is gone", NORTHWIND, "Extension.GetExtensions", found),
        Step("read once it is gone", NORTHWIND, "Extension.GetExtensionDetails", line),
    ]  # fmt: skip
