"""Messages about things that are likely to exist: of most names the furnished house has a bearer."""

from __future__ import annotations

import random

from shim.core.interface import ElementDecl, Operation
from shim.core.model import Element
from tests.soak.house import House
from tests.support.messages import Messages, package

RESELLERS, CLIENTS, EXTENSIONS = ("10", "11"), ("20", "21"), ("30", "31", "32", "33", "34")
SUBJECTS = {"Reseller": RESELLERS, "Client": CLIENTS, "Extension": EXTENSIONS}
"""Whom ID and identifier name in a service, unless they name a thing; in the others anybody."""
PARENTS = {"Client": ("10",), "Extension": ("20",)}
PLANS = {"Reseller": ("adminPlan", "adminPlan2"), "Client": ("plan", "plan2"), "Extension": ("clientPlan",)}
THINGS = {
    "ChargingPlan": ("plan", "plan2", "clientPlan"),
    "ChargingPackage": ("package",),
    "ChannelGroup": ("channelGroup",),
    "Channel": ("channel",),
    "CallRulesOutGroup": ("group",),
    "CallRulesOut": ("group",),
    "CardCode": ("card",),
    "AuthCallerID": ("callerID",),
    "TimeInterval": ("block",),
    "Industr": ("industry", "industry2"),
    "DestinationException": ("exception",),
}
"""What ID names in the operations whose names begin so after the verb."""
BY_NAME = {
    "chargingPackageID": ("package",),
    "exceptionID": ("exception",),
    "deviceID": ("device",),
    "rulesGroupID": ("group",),
    "channelID": ("channel",),
    "industry": ("industry", "industry2"),
    "intervalID": ("interval",),
}
TYPES = {"conference": "34", "queue": "32", "IVR": "33", "phoneTerminal": "30"}
"""Which extension has the settings that a request begins with."""
POOLS: dict[str, tuple[str, ...]] = {
    "userID": (*CLIENTS, *EXTENSIONS),
    "ownerID": CLIENTS,
    "resellerID": RESELLERS,
    "templateID": ("1", "2", "3", "4"),
    "fromUser": RESELLERS,
    "queueID": ("32",),
    "agentID": ("77", "78"),
    "didID": tuple(str(number) for number in range(3, 20)),
    "region": ("1", "2", "3"),
    "timezone": ("1", "2", "3"),
    "country": ("us",),
    "interfaceLang": ("en",),
    "phoneLang": ("en",),
    "email": ("a@b.example",),
    "notifyOnly": ("1111",),
    "assignedClientID": CLIENTS,
    "assignedExtensions": EXTENSIONS,
    "extensionNo": tuple(str(number) for number in range(100, 900)),
    "standardZoneHeight": ("20",),
    "extendedZoneHeight": ("450",),
    "userLevel": ("10", "50", "100"),
    "exitToExtension": EXTENSIONS,
    "timeout": EXTENSIONS,
    "emptyTransfer": EXTENSIONS,
    "unavailableTransfer": EXTENSIONS,
    "transferExtension": EXTENSIONS,
    "cloneID": ("33",),
    "increase": ("1", "5"),
    "decrease": ("0",),
    "line": ("1",),
}
"""What is possible, by the element that says it."""


class Likely(Messages):
    """Messages of one old operation to one house; with `any_share` of the leaves as anything at all."""

    def __init__(self, source: random.Random, operation: Operation, house: House, any_share: float = 0.05) -> None:
        super().__init__(source)
        self.operation, self.house, self.any_share = operation, house, any_share
        noun = next((operation.name.removeprefix(each) for each in _VERBS if operation.name.startswith(each)), "")
        self.things = next((names for begin, names in THINGS.items() if noun.startswith(begin)), ())
        self.subjects = SUBJECTS.get(operation.service, (*RESELLERS, *CLIENTS, *EXTENSIONS))

    def message(self, decl: ElementDecl) -> Element:
        made = super().message(decl)
        if self.operation.name == "LinkedOp":
            for each in made.all("operation"):
                self._pack(each)
        if self.operation.name == "SetupExtension":
            self._set_up(made)
        return made

    def _pack(self, operation: Element) -> None:
        """A call of any other operation in the package."""
        inner = self.random.choice([each for each in self.house.catalogue.translations.values() if each.old.name != "LinkedOp"])
        request = Likely(self.random, inner.old, self.house).message(inner.old.input)
        for each in operation.all("package"):
            each.text = package(inner.old, request).text

    def _set_up(self, request: Element) -> None:
        """The extension whose settings these are."""
        kind = next((TYPES[each.name] for each in request.children if each.name in TYPES), None)
        for each in request.all("ID"):
            each.text = kind or each.text

    def element(self, decl: ElementDecl, depth: int) -> Element:
        made = super().element(decl, depth)
        known = None if decl.simple is None or self.chance(self.any_share) else self._known(decl.name, depth)
        if known is not None:
            made.text = known
        return made

    def _known(self, name: str, depth: int) -> str | None:
        service, things = self.operation.service, self.house.things
        if name == "login":
            self.count += 1
            return f"user{self.random.randrange(10**9)}"
        if name.startswith("chargingPlanI"):
            plan = self.random.choice(PLANS.get(service, ("plan", "plan2")))
            return things[plan if name.endswith("ID") else f"{plan}Key"]
        if name == "code" and service == "PBX" and not self.operation.name.startswith("Add"):
            return things["alert" if "Alert" in self.operation.name else "button"]
        if name == "serial":
            return f"S{self.random.randrange(10**9)}"
        if name == "ruleID":
            return things["ruleOut" if service == "Channel" else "ruleIn"]
        if name in ("ID", "identifier") and self.things and depth == 1:
            thing = self.random.choice(self.things)
            return things[thing if name == "ID" else f"{thing}Key"] or None
        if name in BY_NAME:
            return things[self.random.choice(BY_NAME[name])]
        if name in POOLS:
            return self._owner() if name == "userID" else self.random.choice(POOLS[name])
        return self._account(name)

    def _owner(self) -> str:
        """Extensions own what is of extensions, the others anything else."""
        return self.random.choice(EXTENSIONS if self.operation.service == "Extension" else POOLS["userID"])

    def _account(self, name: str) -> str | None:
        parents = PARENTS.get(self.operation.service, ("1",))
        of = {"ID": self.subjects, "identifier": self.subjects, "parentID": parents, "parentIdentifier": parents,
              "parentLogin": parents, "userIdentifier": (self._owner(),), "queueIdentifier": ("32",),
              "fromUserIdentifier": RESELLERS, "resellerIdentifier": RESELLERS, "userLogin": CLIENTS}.get(name)  # fmt: skip
        if of is None:
            return None
        number = self.random.choice(of)
        account = self.house.world.accounts.get(int(number))
        if name.endswith("ID") or account is None:
            return number
        return account.login if name.endswith("Login") else account.identifier


_VERBS = ("Add", "Edit", "Del", "Get", "Set", "Update")
