"""What v3 says in faults and notices is said with the names that the caller of 2.5 knows."""

from __future__ import annotations

import pytest

from shim.core.message import Element
from tests.support.conversation import whole_catalogue


def said(operation: str, text: str, *sent: str) -> str:
    words = whole_catalogue().translations[operation].words
    assert words is not None
    return words.in_old_words(text, Element("request", children=[Element(name, "7") for name in sent]))


@pytest.mark.parametrize("sent", ["ID", "identifier"])
def test_a_number_is_what_the_caller_sent(sent: str) -> None:
    told = said("Extension.SetVoicemail", "The value of extendedNumber is invalid.", sent)
    assert told == f"The value of {sent} is invalid."


@pytest.mark.parametrize(
    ("operation", "text", "told"),
    [
        ("Client.MoveClients", "The value of serviceProviderID is wrong.", "The value of resellerID is wrong."),
        ("Client.AddClient", "An organization needs organizationManag.", "A client needs clientManag."),
        ("Client.AddClient", "Service providers have organizations.", "Resellers have clients."),
        ("Client.AddClient", "AddOrganization: a service provider.", "AddClient: a reseller."),
        ("Billing.Recharge", "Not of this organization.", "Not of this client."),
        (
            "Extension.SetExtensionStatus",
            "A user is missing. Users are.",
            "An extension is missing. Extensions are.",
        ),
        ("Extension.AddExtension", "The label is missing (AddUser).", "The name is missing (AddExtension)."),
        ("Extension.AddCallRulesIn", "extendedNumber.", "userID."),
        ("Channel.AssignPublicNo", "No extendedNumber", "No userID"),
        ("Extension.UnassignQueueAgent", "a queueExtendedNumber", "a queueID"),
        ("Extension.SetVoicemail", "'extendedNumber' is missing", "'ID' is missing"),
    ],
)
def test_names_come_from_the_declarations(operation: str, text: str, told: str) -> None:
    assert said(operation, text) == told


@pytest.mark.parametrize(
    "text",
    [
        'The company "organization of users" exists.',
        "organization@example.com and user.organization, /organization/user, my-organization",
        "reorganization, organizationX, username",
        "The client, the reseller and the extension don't exist, and it isn't right.",
        "",
    ],
)
def test_values_and_parts_of_words_stay_as_they_are(text: str) -> None:
    assert said("Extension.SetExtensionStatus", text, "ID") == text


def test_every_operation_has_words() -> None:
    assert all(each.words is not None for each in whole_catalogue().translations.values())
