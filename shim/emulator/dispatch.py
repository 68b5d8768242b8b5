"""From a request to an answer: which operation it is, who calls, the handler, and the answer as bytes."""

from __future__ import annotations

from functools import partial

from shim.core.message import Element
from shim.core.schema.interface import Interface, Operation
from shim.emulator.call import EmulatedRequest, OperationHandler
from shim.emulator.handlers import (
    accounts,
    credits,
    devices,
    extensions,
    generic,
    limits,
    numbers,
    queues,
    settings,
    system,
)
from shim.emulator.handlers.linked import linked
from shim.emulator.handlers.listing import with_notice
from shim.emulator.judge import JudgeRules, check_request, writer_of
from shim.emulator.world.permissions import require_live
from shim.emulator.world.refusal import AUTHENTICATION, CONTEXT_USER, Refusal
from shim.emulator.world.world import EmulatedAccount, World


class Dispatcher:
    """Everything that is built once for an interface: the handlers, and the paths of the services."""

    def __init__(self, interface: Interface, rules: JudgeRules | None = None) -> None:
        self.interface = interface
        self.rules = rules or JudgeRules()
        self.paths = {service.endpoint: name for name, service in interface.services.items()}
        self.handlers: dict[str, OperationHandler] = {
            **generic.handlers(interface),
            **devices.HANDLERS,
            **accounts.HANDLERS,
            **limits.HANDLERS,
            **extensions.HANDLERS,
            **settings.HANDLERS,
            **queues.HANDLERS,
            **numbers.HANDLERS,
            **credits.HANDLERS,
            **system.HANDLERS,
            "GlobalOp.LinkedOp": partial(linked, perform=self._nested),
        }

    def operation(self, path: str, request: Element) -> Operation:
        """Raises Refusal for an element that is no request, or not one of the service at this path."""
        operation = self.interface.by_input.get(request.name)
        if operation is None:
            raise Refusal(None, f"There is no operation for the element {request.name}.")
        if self.paths.get(path) != operation.service:
            raise Refusal(None, f"The operation {operation.name} is not served at {path}.")
        return operation

    def caller(self, world: World, headers: list[Element]) -> EmulatedAccount:
        """The account whose app the token was given to. Raises Refusal when the token does not live."""
        for block in headers:
            token = (block.get("accessToken") or "").strip() if block.name == "userCredentials" else ""
            known = world.tokens.get(token)
            app = world.apps.get(known[0]) if known else None
            if known and app and known[1] > world.clock():
                account = world.accounts[app.account]
                require_live(world, account)
                return account
        raise Refusal(AUTHENTICATION, "Authentication failed: the access token is missing, wrong or too old.")

    def perform(self, world: World, operation: Operation, request: Element, caller: EmulatedAccount) -> Element:
        """Carries a request out. Raises Refusal, in which case nothing has happened."""
        request = check_request(self.interface, operation, request, self.rules)
        call = EmulatedRequest(world, self.interface, operation, request, caller)
        if any(child.name in ("fromUser", "fromUserIdentifier") for child in request.children):
            call.actor = _context(call)
        return with_notice(world.ways, operation, self.handlers[operation.full_name](call))

    def write(self, world: World, operation: Operation, answer: Element) -> bytes:
        """The whole answer with its header. An answer that breaks the interface is the emulator's own fault."""
        writer = writer_of(self.interface, operation, True)
        body, lost = writer.write(answer)
        if lost:
            raise Refusal(None, f"The emulator could not write {lost[0].path} ({lost[0].why}).", "Server")
        facts = world.facts
        header = Element(
            "serverInfo",
            children=[
                Element("edition", facts.edition),
                Element("version", facts.version),
                Element("infrastructureID", facts.infrastructure),
            ],
        )
        return writer.envelope(body, header)

    def _nested(self, request: Element, call: EmulatedRequest) -> tuple[Element, str]:
        """One operation of a LinkedOp, on behalf of the one who called it."""
        operation = self.interface.by_input.get(request.name)
        if operation is None or operation is call.operation:
            raise Refusal(None, f"There is no operation for the element {request.name} here.")
        answer = self.perform(call.world, operation, request, call.actor)
        return answer, self.write(call.world, operation, answer).decode()


def _context(call: EmulatedRequest) -> EmulatedAccount:
    account = call.find("context")
    if account is None:
        raise Refusal(CONTEXT_USER, "The context user is empty.")
    return account
