"""A small 2.5 server: what old clients must see, whatever happens in v3 behind the shim's back.

Laws: an extension keeps its ID and extensionID for ever, also when it was away; neither is ever another's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

FIRST_ISSUED = 1_000_000_000


@dataclass(eq=False)
class Person:
    """What the extensions of one user share."""

    user: int
    client: int
    identifier: str
    login: str
    name: str
    company: str = ""
    email: str = ""
    phone: str = ""
    status: bool = True
    phone_status: str = "1"
    cp_access: bool = True
    permissions: dict[str, str] = field(default_factory=dict)
    ever: int = 0
    """How many extensions it has had so far."""


@dataclass(eq=False)
class Phone:
    """An extension. Its IDs are None until old clients saw them."""

    number: str
    kind: str
    person: Person
    id: str | None = None
    extension_id: str | None = None
    level: str = "none"
    rules: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    """The numbers of a queue's agents."""

    @property
    def local(self) -> str:
        return self.number.partition("*")[2]

    @property
    def shown(self) -> str:
        """The number in lists of 2.5, which have it as a whole number."""
        return str(int(self.local))


@dataclass
class OldServer:
    """Accounts and extensions, and every ID that old clients ever saw."""

    people: list[Person] = field(default_factory=list)
    phones: dict[str, Phone] = field(default_factory=dict)
    holders: dict[str, Phone] = field(default_factory=dict)
    """The latest extension that has, or had, an ID."""
    extension_ids: dict[str, Phone] = field(default_factory=dict)
    away: list[Phone] = field(default_factory=list)
    """Extensions that v3 deleted behind the shim's back."""

    # ---- what happens ----

    def enter(self, phone: Phone) -> Phone:
        self.phones[phone.number] = phone
        phone.person.ever += 1
        return phone

    def drop(self, phone: Phone) -> None:
        del self.phones[phone.number]
        for each in self.phones.values():
            each.agents.discard(phone.number)

    def leave(self, person: Person) -> None:
        for phone in self.of(person):
            self.drop(phone)
        self.people.remove(person)

    def renumber(self, phone: Phone, number: str) -> None:
        del self.phones[phone.number]
        phone.number = number
        self.phones[number] = phone

    def meet(self, phone: Phone, old_id: str, extension_id: str) -> None:
        """An old client saw the IDs of an extension: they are right, and stay."""
        if phone.id is None:
            self._judge(phone, old_id, extension_id)
            phone.id, phone.extension_id = old_id, extension_id
            self.holders[old_id] = self.extension_ids[extension_id] = phone
        seen, meant = (old_id, extension_id), (phone.id, phone.extension_id)
        assert seen == meant, f"extension {phone.number} has IDs {seen} instead of {meant}"

    def _judge(self, phone: Phone, old_id: str, extension_id: str) -> None:
        own, before = str(phone.person.user), self.holders.get(old_id)
        assert extension_id not in self.extension_ids, f"extensionID {extension_id} is given a second time"
        if old_id == own:
            assert before is None, f"ID {old_id} is given a second time"
        else:
            assert before is None, f"ID {old_id} of {before and before.number} is given to {phone.number}"
            assert int(old_id) >= FIRST_ISSUED, f"{phone.number} has ID {old_id}, which is somebody else's"
            assert phone.person.ever > 1, f"{phone.number}, its user's only one, has not the user's ID"

    # ---- what is seen ----

    def is_live(self, phone: Phone) -> bool:
        return self.phones.get(phone.number) is phone

    def live(self) -> list[Phone]:
        """All extensions, in the order in which they came."""
        return list(self.phones.values())

    def of(self, person: Person) -> list[Phone]:
        return [each for each in self.phones.values() if each.person is person]

    def siblings(self, phone: Phone) -> list[Phone]:
        return [each for each in self.of(phone.person) if each is not phone]

    def listed(self, client: int, text: str | None = None, kind: str | None = None) -> dict[str, Phone]:
        """What GetExtensions lists, by the last part of the number."""
        return {
            each.shown: each
            for each in self.phones.values()
            if each.person.client == client and kind in (None, each.kind) and _matches(each.person, text)
        }

    def dead(self) -> Iterator[str]:
        """IDs that nobody has any more."""
        for old_id, phone in self.holders.items():
            if not self.is_live(phone):
                yield old_id


def _matches(person: Person, text: str | None) -> bool:
    places = (person.name, person.company, person.email, person.login)
    return text is None or any(text.lower() in place.lower() for place in places)
