"""The tour of `shim demo --once`: resellers and clients managed as a 2.5 client does it.

Every answer is checked against what was done before, so that a tour that worked says something.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any

from shim.cli.demo.client import TEXT, DemoAnswer, Expect, Guide, Stopped, Tally
from shim.cli.demo.events import Observer
from shim.cli.demo.world import LOGINS

_LOGINS = {each.login: (each.login, each.password) for each in LOGINS}
ADMIN, ACME = _LOGINS["admin"], _LOGINS["acme"]
_ACME_ID, _FABRIKAM_ID = 10, 11
_PASSWORD = "Tour-pass-2025"  # noqa: S105  # of accounts that live for seconds


def tour(base: str, observer: Observer, say: Callable[[str], None], stop: Event) -> Tally:
    """Walk through all chapters; one that cannot go on does not keep the next from running.

    `base` is the shim's URL. Once `stop` is set, no further call is made.
    """
    guide = Guide(base, observer, say, stop)
    for title, chapter in (
        ("A reseller manages its clients", acme_and_clients),
        ("The administrator manages clients, and moves one to another reseller", admin_and_clients),
        ("The administrator manages resellers", admin_and_resellers),
        ("A wrong password", wrong_password),
    ):
        if stop.is_set():
            break
        say(f"\n{title}")
        try:
            chapter(guide)
        except Stopped:
            say("       the rest of this part needs that call, and is left out")
    guide.close()
    return guide.tally


def acme_and_clients(guide: Guide) -> None:
    guide.call(ACME, "Client.GetClients", lists("client", "northwind", "contoso"))
    client = added_client(guide, ACME, "tour-client-a", {})
    manage_client(guide, ACME, client)
    guide.call(ACME, "Client.MoveClients", succeeded, ID=[client], resellerID=_ACME_ID)
    guide.call(ACME, "Client.GetClientDetails", has(parentID=_ACME_ID), ID=client)
    delete_client(guide, ACME, client, "tour-client-a")


def admin_and_clients(guide: Guide) -> None:
    guide.call(ADMIN, "Client.GetClients", lists("client", "northwind", "contoso"), parentID=_ACME_ID)
    client = added_client(guide, ADMIN, "tour-client-b", {"parentID": _ACME_ID})
    manage_client(guide, ADMIN, client)
    guide.call(ADMIN, "Client.MoveClients", succeeded, ID=[client], resellerID=_FABRIKAM_ID)
    guide.call(ADMIN, "Client.GetClientDetails", has(parentID=_FABRIKAM_ID), ID=client)
    delete_client(guide, ADMIN, client, "tour-client-b")


def added_client(guide: Guide, login: tuple[str, str], name: str, parent: DemoAnswer) -> int:
    profile = {"name": "Tina Tour", "company": "Tour and Travel", "country": "us", "industry": "7"}
    answer = guide.call(
        login, "Client.AddClient", succeeded, login=name, password=_PASSWORD, **profile, **parent
    )  # fmt: skip
    return int(answer.get("ID") or 0)


def manage_client(guide: Guide, login: tuple[str, str], client: int) -> None:
    before = has(company="Tour and Travel", industry="7", status=True)
    guide.call(login, "Client.GetClientDetails", before, ID=client)
    guide.call(login, "Client.EditClient", succeeded, ID=client, company="Tour & Voyage", industry="9")
    guide.call(login, "Client.GetClientDetails", has(company="Tour & Voyage", industry="9"), ID=client)
    guide.call(login, "Client.SetClientStatus", succeeded, ID=client, status=False, phoneStatus="16")
    guide.call(login, "Client.GetClientDetails", has(status=False, phoneStatus="16"), ID=client)
    permissions: DemoAnswer = {"extensionManag": True, "MyVoipNowManag": "standard", "phoneExtMax": limit(5)}
    guide.call(login, "Client.SetClientPL", succeeded, ID=client, **permissions)
    problems = has_permissions(extensionManag=True, MyVoipNowManag="standard", phoneExtMax=5)
    guide.call(login, "Client.GetClientPL", problems, ID=client)
    guide.call(login, "Client.UpdateClientPL", succeeded, ID=client, phoneExtMax={"increase": 2})
    guide.call(login, "Client.GetClientPL", has_permissions(phoneExtMax=7), ID=client)


def delete_client(guide: Guide, login: tuple[str, str], client: int, name: str) -> None:
    guide.call(login, "Client.DelClient", succeeded, ID=[client])
    guide.call(login, "Client.GetClients", lacks("client", name))
    guide.call(login, "Client.GetClientDetails", succeeded, fault="100", ID=client)


def admin_and_resellers(guide: Guide) -> None:
    guide.call(ADMIN, "Reseller.GetResellers", lists("reseller", "acme", "fabrikam"))
    profile = {"name": "Rita Tour", "company": "Tour Telecom", "country": "us"}
    answer = guide.call(
        ADMIN, "Reseller.AddReseller", succeeded, login="tour-reseller", password=_PASSWORD, **profile
    )
    reseller = int(answer.get("ID") or 0)
    guide.call(ADMIN, "Reseller.GetResellerDetails", has(company="Tour Telecom"), ID=reseller)
    guide.call(ADMIN, "Reseller.EditReseller", succeeded, ID=reseller, company="Tour Networks")
    guide.call(ADMIN, "Reseller.GetResellerDetails", has(company="Tour Networks"), ID=reseller)
    guide.call(ADMIN, "Reseller.SetResellerStatus", succeeded, ID=reseller, status=False, phoneStatus="16")
    guide.call(ADMIN, "Reseller.GetResellerDetails", has(status=False, phoneStatus="16"), ID=reseller)
    permissions: DemoAnswer = {"clientManag": True, "advertisingManag": True, "clientMax": limit(3)}
    guide.call(ADMIN, "Reseller.SetResellerPL", succeeded, ID=reseller, **permissions)
    problems = has_permissions(clientManag=True, advertisingManag=True, clientMax=3)
    guide.call(ADMIN, "Reseller.GetResellerPL", problems, ID=reseller)
    guide.call(ADMIN, "Reseller.UpdateResellerPL", succeeded, ID=reseller, clientMax={"increase": 2})
    guide.call(ADMIN, "Reseller.GetResellerPL", has_permissions(clientMax=5), ID=reseller)
    guide.call(ADMIN, "Reseller.DelReseller", succeeded, ID=[reseller])
    guide.call(ADMIN, "Reseller.GetResellers", lacks("reseller", "tour-reseller"))
    guide.call(ADMIN, "Reseller.GetResellerDetails", succeeded, fault="100", ID=reseller)


def wrong_password(guide: Guide) -> None:
    guide.call(("acme", "not-the-password"), "Client.GetClients", succeeded, fault="100")


# ---- expectations ----


def limit(value: int) -> DemoAnswer:
    return {TEXT: value, "unlimited": False}


def succeeded(answer: DemoAnswer) -> str | None:
    result = answer.get("result")
    return None if result == "success" else f"the result is {result}"


def has(**expected: Any) -> Expect:
    def expect(answer: DemoAnswer) -> str | None:
        wrong = [name for name, value in expected.items() if _text(answer.get(name)) != _text(value)]
        return f"not as expected: {', '.join(wrong)}" if wrong else None

    return expect


def has_permissions(**expected: Any) -> Expect:
    def expect(answer: DemoAnswer) -> str | None:
        rights: Any = answer.get("userPL") or {}
        return has(**expected)(rights[0] if isinstance(rights, list) else rights)

    return expect


def lists(kind: str, *logins: str) -> Expect:
    def expect(answer: DemoAnswer) -> str | None:
        missing = set(logins) - _logins(answer, kind)
        return f"not in the list: {', '.join(sorted(missing))}" if missing else None

    return expect


def lacks(kind: str, login: str) -> Expect:
    def expect(answer: DemoAnswer) -> str | None:
        return f"{login} is still in the list" if login in _logins(answer, kind) else None

    return expect


def _logins(answer: DemoAnswer, kind: str) -> set[str]:
    return {each["login"] for each in answer.get(kind) or []}


def _text(value: Any) -> str:
    """A value for comparison; limits come with their attribute."""
    if isinstance(value, dict):
        value = value.get(TEXT)
    return str(value)
