"""Accounts that go away or go elsewhere: deleting many at once, moving organizations."""

from __future__ import annotations

from shim.core.message import Element
from shim.emulator.call import EmulatedRequest
from shim.emulator.handlers.plans import chosen_plan, first_plan
from shim.emulator.handlers.views import LEVEL_OF, not_oneself
from shim.emulator.world.permissions import require_management, require_room
from shim.emulator.world.refusal import AUTHENTICATION, BAD_PARENT, Refusal
from shim.emulator.world.world import ORGANIZATION, SERVICE_PROVIDER


def delete(call: EmulatedRequest) -> Element:
    """Deletes accounts and all below them. `items` counts the accounts that were named."""
    accounts, lost = call.find_many()
    level = LEVEL_OF.get(call.operation.service)
    right = [each for each in accounts if level in (None, each.level)]
    lost += len(accounts) - len(right)
    if not right:
        raise Refusal(AUTHENTICATION, "The ID is invalid: none of these accounts exists.")
    for account in right:
        not_oneself(call, account, "delete")
        require_management(call.actor, account.level)
    for account in right:
        if account.id in call.world.accounts:
            call.world.leave(account)
    return call.answer({"items": len(right), "result": "partial" if lost else "success"})


def move_organizations(call: EmulatedRequest) -> Element:
    provider = call.need_account("serviceProvider")
    if provider.level != SERVICE_PROVIDER:
        raise Refusal(BAD_PARENT, "The new parent is invalid: it must be a serviceProvider account.")
    plan = chosen_plan(call, provider)
    accounts, lost = call.find_many()
    right = [each for each in accounts if each.level == ORGANIZATION]
    lost += len(accounts) - len(right)
    if not right:
        raise Refusal(AUTHENTICATION, "The ID is invalid: none of these organizations exists.")
    coming = [each for each in right if each.parent != provider.id]
    require_room(call.world, provider, ORGANIZATION, len(coming))
    for account in coming:
        call.world.move(account, provider)
        account.plan = first_plan(call.world, provider)
    for account in right:
        account.plan = plan or account.plan
    return call.answer({"items": len(right), "result": "partial" if lost else "success"})
