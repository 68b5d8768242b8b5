"""Messages about things that are likely to exist: of most names the seeded fixture has a bearer."""

from __future__ import annotations

import random

from shim.core.message import Element
from shim.core.schema.interface import ComplexType, ElementDecl, Operation
from tests.soak.fixture import EXTENSIONS, ShimFixture
from tests.support.messages import Messages, package

RESELLERS, CLIENTS = ("10", "11"), ("20", "21")
SUBJECTS = {"Reseller": RESELLERS, "Client": CLIENTS, "Extension": EXTENSIONS}
"""Whom ID and identifier name in a service, unless they name a thing; in the others anybody."""
PARENTS = {"Client": ("10",), "Extension": ("20",)}
PLANS = {"Reseller": ("adminPlan", "adminPlan2"), "Client": ("plan", "plan2"), "Extension": ("clientPlan",)}
THINGS = {
    "ChargingPlan": ("plan", "plan2", "clientPlan"),
    "ChargingPackage": ("package",),
    "ChannelGroup": ("channelGroup",),
    "Channel": ("channel",),
    "CallRulesIn": ("ruleIn", "ruleIn2"),
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
_OF_30 = {"userID": ("30",), "userIdentifier": ("30",)}
_IN_PLAN = {"chargingPlanID": ("{plan}",)}
OF_OPERATION: dict[str, dict[str, tuple[str, ...]]] = {
    "AssignQueueAgent": {"ID": ("31",), "identifier": ("32",)},
    "AssignQueueRemoteAgent": {
        "agentID": tuple(str(number) for number in range(1000, 2000)),
        "identifier": ("32",),
    },
    "SetQueueAgent": {"ID": ("30",), "identifier": ("30",)},
    "SetQueueRemoteAgent": {"agentID": ("77",)},
    "UnassignQueueAgent": {"ID": ("30",), "identifier": ("32",)},
    "GetQueueAgents": {"ID": ("32",), "identifier": ("32",)},
    "GetProvisionFile": {"ID": ("30",), "identifier": ("30",)},
    "UnassignPublicNo": {"didID": ("1", "2"), "userID": ("30", "31"), "userIdentifier": ("30", "31")},
    "AddReseller": {"templateID": ("1",)},
    "AddClient": {"templateID": ("2",)},
    "AddExtension": {"templateID": ("3",)},
    "DelClient": {"ID": ("{client}",), "identifier": ("{client}",)},
    "DelReseller": {"ID": ("{reseller}",), "identifier": ("{reseller}",)},
    "AddAuthCallerIDCredit": _OF_30,
    "AddCardCodeCredit": _OF_30,
    "DelAuthCallerID": _OF_30,
    "DelCallRulesIn": _OF_30,
    "DelCardCode": _OF_30,
    "EditCallRulesIn": _OF_30,
    "DelCallRulesOut": {"ID": ("{ruleOut}",)},
    "EditChargingPackage": _IN_PLAN,
    "GetChargingPackages": _IN_PLAN,
    "DelChargingPackage": _IN_PLAN,
    "DelDestinationException": _IN_PLAN,
    "EditDestinationException": _IN_PLAN,
    "GetDestinationExceptions": _IN_PLAN,
}
"""What else is possible in single operations; IDs are written as identifiers where those are due."""
ALTERNATIVES = (
    ("ID", "identifier"),
    ("userID", "userIdentifier", "userLogin", "login"),
    ("queueID", "queueIdentifier"),
    ("parentID", "parentIdentifier", "parentLogin"),
)
"""One of these is said where it can be: the schema lets them away, the server does not."""
NEEDED = ("name", "login", "text", "linkUUID", "code", "rule", "ruleID", "didID", "deviceID")
"""The same of what has no alternative."""


class Likely(Messages):
    """Messages of one old operation to one fixture; with `any_share` of the leaves as anything at all."""

    def __init__(
        self,
        source: random.Random,
        operation: Operation,
        fixture: ShimFixture,
        any_share: float = 0.05,
        *,
        packs: bool = True,
    ) -> None:
        super().__init__(source)
        self.packs = packs
        self.operation, self.fixture, self.any_share = operation, fixture, any_share
        noun = next(
            (operation.name.removeprefix(each) for each in _VERBS if operation.name.startswith(each)), ""
        )
        self.things = next((names for begin, names in THINGS.items() if noun.startswith(begin)), ())
        self.subjects = SUBJECTS.get(operation.service, (*RESELLERS, *CLIENTS, *EXTENSIONS))

    def message(self, decl: ElementDecl) -> Element:
        made = super().message(decl)
        if not self.chance(2 * self.any_share):
            self._complete(made, decl)
        if self.operation.name == "LinkedOp":
            for each in made.all("operation") if self.packs else ():
                self._pack(each)
        if self.operation.name == "SetupExtension":
            self._set_up(made, decl)
        return made

    def _pack(self, operation: Element) -> None:
        """A call of any operation in the package."""
        inner = self.random.choice(list(self.fixture.catalogue.translations.values()))
        request = Likely(self.random, inner.old, self.fixture, packs=False).message(inner.old.input)
        for each in operation.all("package"):
            each.text = package(inner.old, request).text

    def _complete(self, request: Element, decl: ElementDecl) -> None:
        """Say what the server cannot do without, where the schema does not ask for it."""
        kind = decl.complex
        if kind is None:
            return
        said = {each.name for each in request.children}
        for names in (*ALTERNATIVES, *((each,) for each in NEEDED)):
            name = next((each for each in names if each in kind.slots and _goes_with(each, said, kind)), None)
            if name is not None and said.isdisjoint(names):
                request.children.append(self.element(kind.slots[name].decl, 1))
                said.add(name)
        for each in request.children if self.operation.name.startswith("Update") else ():
            below = kind.slots[each.name].decl.complex
            if below is not None and "value" in below.slots and not each.children:
                each.children.append(Element("value", "5"))
        for each in request.all("rule"):
            inner = kind.slots["rule"].decl.complex
            if inner is not None and "ruleID" in inner.slots and each.child("ruleID") is None:
                each.children.append(Element("ruleID", self.fixture.things["ruleIn"]))

    def _set_up(self, request: Element, decl: ElementDecl) -> None:
        """Settings of one kind, and the extension that has such."""
        kind = next((each.name for each in request.children if each.name in TYPES), None)
        if kind is None and decl.complex is not None and not self.chance(self.any_share):
            kind = self.random.choice(sorted(TYPES))
            request.children.append(self.element(decl.complex.slots[kind].decl, 1))
        if kind is not None:
            request.children = [Element("ID", TYPES[kind]), *request.all(kind)]

    def element(self, decl: ElementDecl, depth: int) -> Element:
        made = super().element(decl, depth)
        known = None if decl.simple is None or self.chance(self.any_share) else self._known(decl.name, depth)
        if known is not None:
            made.text = known
        return made

    def _known(self, name: str, depth: int) -> str | None:
        service, things = self.operation.service, self.fixture.things
        own = OF_OPERATION.get(self.operation.name, {}).get(name) if depth <= 2 else None
        if own is not None:
            said = self.random.choice(own).format(**things)
            return self._identifier(said) if name.lower().endswith("identifier") else said
        adds = self.operation.name.startswith(("Add", "Edit"))
        if name == "login":
            return f"user{self.random.randrange(10**9)}" if adds else self._login()
        if name == "extensionID" or (name == "assignedExtensions" and self.fixture.issued):
            return self.random.choice(self.fixture.issued)
        if name == "identifier" and adds and not self.things and self.operation.name.startswith("Add"):
            return None
        if (name == "code" and self.operation.name.startswith("AddCustom")) or (
            name == "name" and "Industry" in self.operation.name
        ):
            return f"N{self.random.randrange(10**9)}"
        if name.startswith("chargingPlanI"):
            plan = self.random.choice(PLANS.get(service, ("plan", "plan2")))
            return things[plan if name.endswith("ID") else f"{plan}Key"]
        if name == "code" and service == "PBX" and not self.operation.name.startswith("Add"):
            return things["alert" if "Alert" in self.operation.name else "button"]
        if name == "serial":
            return f"S{self.random.randrange(10**9)}"
        if name == "ruleID":
            return things["ruleOut" if service == "Channel" else "ruleIn"]
        if (
            name in ("ID", "identifier")
            and self.things
            and depth <= (2 if "Credit" in self.operation.name else 1)
        ):
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
        of = {
            "ID": self.subjects,
            "identifier": self.subjects,
            **dict.fromkeys(("parentID", "parentIdentifier", "parentLogin"), parents),
            **dict.fromkeys(("fromUserIdentifier", "resellerIdentifier"), RESELLERS),
            "userIdentifier": (self._owner(),),
            "queueIdentifier": ("32",),
            "userLogin": CLIENTS,
        }.get(name)
        if of is None:
            return None
        number = self.random.choice(of)
        if name.endswith("ID"):
            return number
        return self._login(number) if name.endswith("Login") else self._identifier(number)

    def _identifier(self, number: str) -> str:
        account = self.fixture.world.accounts.get(int(number))
        return account.identifier if account is not None else number

    def _login(self, number: str | None = None) -> str:
        account = self.fixture.world.accounts.get(int(number or self.random.choice(self.subjects)))
        return account.login if account is not None else "nobody"


_VERBS = ("Add", "Edit", "Del", "Get", "Set", "Update")


def _goes_with(name: str, said: set[str], kind: ComplexType) -> bool:
    """Whether the schema allows an element beside those that were said."""
    mine = dict(kind.slots[name].choices)
    others = [choice for each in said for choice in kind.slots[each].choices]
    return kind.slots[name].decl.max != 0 and all(
        mine.get(number, branch) == branch for number, branch in others
    )
