"""Calls, costs and counters. v3 counts by user, so an extension's figures are those of its user."""

from __future__ import annotations

from shim.core.rules.declare import operation, service
from shim.core.rules.extensions import account
from shim.core.rules.vocabulary import rename, unread

SERVICE = service(
    "Report",
    "Report",
    operation("CallReport", rules=[
        account(),
        rename("disposion", "disposition", "Later versions of v3 spell it in full.", where="disposition"),
    ], siblings=True),
    operation("CallCosts", rules=[
        account(),
        unread("numberCost", "What public numbers cost is new in v3; 2.5 did not say it."),
    ], siblings=True),
    operation("QuickStats", rules=[
        account(),
        rename("userLogin", "login"),
        rename("resellers", "serviceProviders", "Resellers are service providers in v3."),
        rename("clients", "organizations", "Clients are organizations in v3."),
        rename("extensions/queue", "extensions/phoneQueue", "Queues are called phone queues in v3."),
        unread("users", "2.5 had no users beside extensions, which are counted by type."),
        unread("phoneNumbers", "The number of public numbers is new in v3."),
    ], siblings=True),
)  # fmt: skip
