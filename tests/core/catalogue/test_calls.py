"""What a declaration says of its v3 calls is what is really called, in every golden conversation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from shim.core.catalogue.build import compile_catalogue
from shim.core.catalogue.calls import calls_of, lookups
from shim.core.catalogue.translation import Translation
from shim.core.commands.journal import Undo
from shim.core.errors import CallerError, DeclarationError
from shim.core.message import Element
from shim.core.parse import Limits, parse
from shim.core.rules.declare import call, operation, service
from shim.interfaces.dialects import known
from shim.interfaces.load import Dialect, new, old
from tests.support.conversation import catalogue
from tests.test_cases import FILES, Case, wrap
from translations.globalop.package import unpacked
from translations.globalop.undo import UNDONE_BY


def said(translation: Translation) -> set[str]:
    """Every v3 operation that the declaration names, undoing included."""
    calls = (*calls_of(translation), *lookups(translation))
    undone = {each.undo.operation for each in calls if each.undo is not None and not each.cascades}
    return {each.operation for each in calls} | undone


def involved(translation: Translation, case: Case) -> Iterator[Translation]:
    """The operation, and those inside it with what takes them back."""
    yield translation
    if translation.old.full_name != "GlobalOp.LinkedOp":
        return
    body = parse(wrap(case.get("old request"), "")).body
    for each in body.all("operation"):
        inner = catalogue().old.by_input.get(_packed(each))
        if inner is not None:
            yield catalogue().translations[inner.full_name]
        if inner is not None and inner.full_name in UNDONE_BY:
            yield catalogue().translations[UNDONE_BY[inner.full_name].operation]


def _packed(operation: Element) -> str:
    try:
        return unpacked(operation.child("package"), Limits()).body.name
    except CallerError:
        return ""


def called(case: Case) -> set[str]:
    texts = [text for name, text in case.sections if name == "v3 call"]
    return {catalogue().new.by_input[parse(text.encode(), bare=True).body.name].full_name for text in texts}


def asked(case: Case) -> Translation | None:
    """The operation of a conversation; None where the request is none that can be read."""
    try:
        name = parse(wrap(case.get("old request"), "")).body.name
    except CallerError:  # some conversations are about messages that cannot be read
        return None
    found = catalogue().old.by_input.get(name)
    return catalogue(case.dialect).translations.get(found.full_name) if found else None


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_call_of_a_conversation_is_declared(path: Path) -> None:
    case = Case.read(path)
    translation = asked(case)
    if translation is None:
        assert not called(case)
        return
    names = set().union(*(said(each) for each in involved(translation, case)))
    assert called(case) <= names


UNSEEN = {
    "Extension.AddExtension": {"Extension.GetExtensions"},  # made when the end of a write was not seen
    "Client.AddClient": {"Organization.GetOrganizations", "User.GetUsers"},  # conversations have no journal
    "Reseller.AddReseller": {"ServiceProvider.GetServiceProviders", "Organization.GetOrganizations"},
    "Account.DelAccount": {"Extension.GetExtensionDetails"},  # only where a list does not show it
    # Made when the end of the addition was not seen.
    "Billing.AddDestinationException": {"Billing.GetDestinationExceptions"},
    "Billing.AddChargingPackage": {"Billing.GetChargingPackages"},
    "Billing.AddChargingPlan": {"Billing.GetChargingPlans"},
    "Channel.AddChannelGroup": {"Channel.GetChannelGroups"},
    "Channel.AddPublicNo": {"Channel.GetPublicNo"},
    "Channel.AddChannel": {"Channel.GetChannels"},
    "Channel.AddCallRulesOutGroup": {"Channel.GetCallRulesOutGroup"},
    "Extension.AddCardCode": {"Extension.GetCardCode"},
    "Extension.AddAuthCallerID": {"Extension.GetAuthCallerID"},
    "PBX.AddCustomButton": {"PBX.GetCustomButtons"},
    "PBX.AddCustomAlert": {"PBX.GetCustomAlerts"},
    "PBX.AddTimeIntervalBlock": {"PBX.GetTimeIntervalBlocks"},
    "PBX.AddDevice": {"PBX.GetDevices"},
}
"""What no conversation shows; `tests/journal` and `tests/account_model` do."""


@pytest.mark.parametrize("version", known())
def test_what_is_declared_is_called_in_some_conversation(version: str) -> None:
    seen: dict[str, set[str]] = {}
    for path in FILES:
        case = Case.read(path)
        if (translation := asked(case)) is not None:
            seen.setdefault(translation.old.full_name, set()).update(called(case))
    for name, translation in catalogue(Dialect(version)).translations.items():
        declared = {each.operation for each in translation.declared.calls}
        assert declared - seen.get(name, set()) == UNSEEN.get(name, set()), name


def test_a_plan_that_names_no_such_call_does_not_start() -> None:
    def never(*_: object) -> NoReturn:
        raise AssertionError

    calls = [call("Report.Report"), call("Report.CallReport", undo=Undo("Report.Unreport", "ID"))]
    declared = [operation("QuickStats", plan=never, calls=calls), operation("CallReport")]
    with pytest.raises(DeclarationError) as caught:
        compile_catalogue(old(), new(), [service("Report", "Report", *declared)])
    told = "\n".join(caught.value.problems)
    assert "Report.QuickStats: there is no operation Report.Report" in told
    assert "Report.QuickStats: there is no operation Report.Unreport" in told
    assert "Report.QuickStats: Report.QuickStats is not among its calls" in told
