"""The life, for Python: what is asked and what is printed. The toolkit hands over how it makes a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Call = Callable[..., Any]
"""`call(user, operation, fields, password=None)` gives the answer as dictionaries and lists."""


def said(name: str, made: Callable[[], Any]) -> None:
    """Print a fact, or what kept the step from working."""
    try:
        print(f"{name}={_line(made())}", flush=True)
    except Exception as problem:  # noqa: BLE001  # whatever a toolkit raises is what the row tells
        print(f"{name}!{_line(str(problem) or type(problem).__name__)}", flush=True)


def _line(value: Any) -> str:
    return " ".join(str(value).split())


def _fault(made: Callable[[], Any]) -> str:
    try:
        made()
    except Exception as fault:  # noqa: BLE001
        return str(fault)
    return "no fault"


def live(
    tag: str, call: Call, limit: Callable[[Any, bool], Any], told: Callable[[Any], tuple[Any, Any]]
) -> None:
    """`limit` makes a limit with its attribute, `told` reads one as text and attribute."""
    known: dict[str, Any] = {}

    def logins(answer: Any) -> str:
        return ",".join(str(each["login"]) for each in answer["client"])

    def adds() -> Any:
        profile = {"name": "Zoë Łukasz", "company": "Söhne & Co <1>", "login": tag, "password": "Pass-2025"}
        answer = call("northwind", "Extension.AddExtension", {**profile, "country": "us", "parentID": 20})
        known["line"] = answer["ID"]
        return answer["result"]

    def edits() -> str:
        call("northwind", "Extension.EditExtension", {"name": "Žofie Ångström", "ID": known["line"]})
        answer = call("northwind", "Extension.GetExtensionDetails", {"ID": known["line"]})
        return f"{answer['name']}|{answer['company']}"

    def number() -> str:
        poll = call("northwind", "Channel.GetPublicNoPoll", {"userID": 20})["publicNo"]
        free = poll["available"][0]["ID"]
        call("northwind", "Channel.AssignPublicNo", {"didID": [free], "userID": known["line"]})
        poll = call("northwind", "Channel.GetPublicNoPoll", {"userID": known["line"]})["publicNo"]
        gone = call("northwind", "Extension.DelExtension", {"ID": [known["line"]]})
        return f"{poll['assigned'][0]['externalNo']} {gone['items']}"

    def limits() -> str:
        for each in ("first", "second"):
            login = {"login": f"{tag}-{each}", "password": "Pass-2025", "country": "us"}
            known[each] = call(
                "acme", "Client.AddClient", {"name": "Cleo Client", "company": "Cleo Ltd", **login}
            )["ID"]
        wanted = {"phoneExtMax": limit(0, True), "queueExtMax": limit(3, False)}
        call("acme", "Client.SetClientPL", {**wanted, "ID": known["first"]})
        found = call("acme", "Client.GetClientPL", {"ID": known["first"]})["userPL"]
        return f"{told(found['phoneExtMax'])[1]} {told(found['queueExtMax'])[0]}"

    taken = {
        "name": "Cleo",
        "company": "Cleo Ltd",
        "login": "northwind",
        "password": "Pass-2025",
        "country": "us",
    }
    said("lists", lambda: logins(call("admin", "Client.GetClients", {"parentID": 10})))
    said("empty", lambda: logins(call("acme", "Client.GetClients", {})))
    said("adds", adds)
    said("edits", edits)
    said("number", number)
    said("limits", limits)
    said(
        "deletes", lambda: call("acme", "Client.DelClient", {"ID": [known["first"], known["second"]]})["items"]
    )
    said("fault", lambda: _fault(lambda: call("acme", "Client.AddClient", taken)))
    said("password", lambda: _fault(lambda: call("acme", "Client.GetClients", {}, "not-it")))
