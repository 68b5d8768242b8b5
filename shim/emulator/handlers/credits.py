"""Money that is put somewhere: credit and limits of accounts, credit of card codes and caller IDs."""

from __future__ import annotations

from functools import partial

from shim.core.message import Element
from shim.emulator.call import EmulatedRequest, OperationHandler
from shim.emulator.handlers.objects import reachable
from shim.emulator.world.kinds import KINDS
from shim.emulator.world.refusal import AUTHENTICATION, Refusal, missing
from shim.emulator.world.shape import grouped
from shim.emulator.world.world import Object, stamp, switched_on

_RECHARGE = "Recharge"


def recharge(call: EmulatedRequest) -> Element:
    account = call.need_account("user")
    given = [each for each in call.request.children if each.name in ("credit", "limit")]
    if not given:
        raise missing("credit or limit")
    _keep(call, _RECHARGE, ("account", account.id), given[0])
    return call.done(ID=account.id, identifier=account.identifier)


def _keep(call: EmulatedRequest, kind: str, owner: tuple[str, int | str], given: Element) -> None:
    key = call.world.new_key(kind)
    call.world.kept(kind)[key] = Object(kind, key, owner, call.world.clock(), [given])


def get_recharges(call: EmulatedRequest) -> Element:
    account = call.find("user") or call.actor
    owner = ("account", account.id)
    kept = [each for each in call.world.kept(_RECHARGE).values() if each.owner == owner]
    rows = {
        name: [_recharge_row(each, name) for each in kept if each.fields[0].name == name]
        for name in ("credit", "limit")
    }
    plan = call.world.kept("ChargingPlan").get(account.plan or 0)
    shown = {
        **rows,
        "planType": (plan.text("planType") if plan else None) or "prepaid",
        "currentIn": _total(kept, "In"),
        "currentOut": _total(kept, "Out"),
    }
    return call.answer(
        {
            "recharge": shown,
            "currency": call.world.facts.currency,
            "userID": account.id,
            "userIdentifier": account.identifier,
        }
    )


def _recharge_row(kept: Object, name: str) -> dict[str, object]:
    fields = grouped(kept.fields[0].children)
    return {**fields, f"{name}ID": kept.key, "crDate": stamp(kept.created)}


def _total(kept: list[Object], direction: str) -> str:
    amounts = [each.fields[0].get(f"{each.fields[0].name}{direction}") for each in kept]
    return f"{sum(_amount(each) for each in amounts):g}"


def _amount(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


def delete_monthly_limits(call: EmulatedRequest) -> Element:
    account = call.need_account("user")
    kept = call.world.kept(_RECHARGE)
    monthly = [
        key
        for key, each in kept.items()
        if each.owner == ("account", account.id) and switched_on(each.fields[0].get("monthly"))
    ]
    for key in monthly:
        del kept[key]
    return call.answer({"items": len(monthly), "result": "success"})


def add_credit(noun: str, item: str, call: EmulatedRequest) -> Element:
    given = call.request.all(item)
    if not given:
        raise missing(item)
    number = call.extension().number
    packages = [reachable(call, KINDS[noun], (each.get("ID") or "0").strip(), f"{item}/ID") for each in given]
    if any(each.owner != ("extension", number) for each in packages):
        raise Refusal(AUTHENTICATION, f"The value of {item}/ID is invalid: it is not of this extension.")
    for target, each in zip(packages, given, strict=True):
        _keep(call, f"{noun}Credit", (noun, target.key), each)
        _credit(target, each.get("credit"))
    return call.done(ID=[each.key for each in packages])


def _credit(target: Object, amount: str | None) -> None:
    places = [each for name in ("availableCredit", "credit") for each in target.fields if each.name == name]
    now = places[0] if places else Element("credit", "0")
    rest = [each for each in target.fields if each.name != "availableCredit"]
    total = f"{_amount(now.text) + _amount(amount):g}"
    available = Element("availableCredit", total, dict(now.attributes))
    target.fields = [*rest, available, Element("recharged", amount)]


def get_credits(noun: str, call: EmulatedRequest) -> Element:
    target = reachable(call, KINDS[noun], call.need("ID"), "ID")
    kept = [each for each in call.world.kept(f"{noun}Credit").values() if each.owner == (noun, target.key)]
    rows = [
        {**grouped(each.fields[0].children), "ID": each.key, "crDate": stamp(each.created)} for each in kept
    ]
    return call.answer({"ID": target.key, "codeID": target.key, "recharge": rows})


HANDLERS: dict[str, OperationHandler] = {
    "Billing.Recharge": recharge,
    "Billing.GetRecharges": get_recharges,
    "Billing.DelMonthlyLimit": delete_monthly_limits,
    "Extension.AddCardCodeCredit": partial(add_credit, "CardCode", "codeCredit"),
    "Extension.GetCardCodeRecharges": partial(get_credits, "CardCode"),
    "Extension.AddAuthCallerIDCredit": partial(add_credit, "AuthCallerID", "CallerIDCredit"),
    "Extension.GetAuthCallerIDRecharges": partial(get_credits, "AuthCallerID"),
}
