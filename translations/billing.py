"""Charging plans, packages, exceptions, credits and limits. Credits and limits are the user's in v3."""

from __future__ import annotations

from shim.core.journal.single_add import traced
from shim.core.rules.declare import operation, service
from shim.core.rules.extensions import account
from shim.core.rules.vocabulary import added, compute, echo, unread
from translations.shared import traces
from translations.shared.accounts import UPDATED

_MIN_FEE = "A least fee for a call is new in v3: it is left at none."
_REPEATED = "2.5 always repeats which charging plan was asked for."
OF_PLAN = (echo("chargingPlanID", "chargingPlanID", _REPEATED), unread("chargingPlanID", _REPEATED))

SERVICE = service(
    "Billing",
    "Billing",
    operation("DelChargingPackage"),
    operation("GetChargingPackages", rules=[
        OF_PLAN,
        unread("notice", "2.5 lists packages without notices."),
    ]),
    operation("EditChargingPackage", rules=[UPDATED]),
    operation("DelDestinationException"),
    operation("GetDestinationExceptions", rules=[OF_PLAN]),
    operation("EditDestinationException", rules=[UPDATED]),
    traced(traces.DESTINATION_EXCEPTION, operation("AddDestinationException", rules=[UPDATED])),
    traced(traces.CHARGING_PACKAGE, operation("AddChargingPackage", rules=[UPDATED])),
    traced(traces.CHARGING_PLAN, operation("AddChargingPlan", rules=[added("minFeeOut", _MIN_FEE)])),
    operation("EditChargingPlan", rules=[
        added("minFeeOut", _MIN_FEE),
        compute("identifier", str, str, "v3 reads it as text, 2.5 as anything.", finding=None),
    ]),
    operation("GetChargingPlans", rules=[account(only="request")]),
    operation("GetChargingPlanDetails", rules=[
        unread("chargingPlan/minFeeOut", "A least fee for a call is new in v3."),
    ]),
    operation("DelChargingPlan"),
    operation("Recharge", rules=[
        account(main=True, only="request"),
        account("ID", only="answer"),
        UPDATED,
    ], siblings=True),
    operation("GetRecharges", rules=[account(only="request"), account("recharge/userID")], siblings=True),
    operation("DelMonthlyLimit", rules=[account(only="request")], siblings=True),
)  # fmt: skip
