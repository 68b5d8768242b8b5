"""A history: each thing that happens is done to the shim or to v3, and to the model; then both are compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from shim.core.message import Element
from shim.interfaces.load import new
from tests.account_model.driver import CLIENTS, PROVIDER, ModelFixture, Reply
from tests.account_model.model import OldServer, Person, Phone

OPEN: dict[str, str] = {}
"""What is known to be wrong and not mended yet: histories go around it, each has a test of its own."""

_TO_NEW = {"queue": "phoneQueue"}
GRANTED = ("soundManag", "sipManag", "IMManag", "callAPIManag")
"""Permissions that an extension of 2.5 has at once, and so has everyone in these histories."""
UNLIMITED = "unlimited"


def is_on(text: str | None) -> bool:
    return text in ("1", "true")


@dataclass
class History:
    fixture: ModelFixture = field(default_factory=ModelFixture)
    model: OldServer = field(default_factory=OldServer)
    strict: bool = False
    """Whether what is known to be wrong is looked at too."""
    looks: int = 0

    def avoids(self, defect: str) -> bool:
        return defect in OPEN and not self.strict

    # ---- by the old API ----

    def add(
        self,
        client: int,
        login: str,
        kind: str = "term",
        local: str | None = None,
        by: int = PROVIDER,
        parent: str = "parentID",
    ) -> Phone | None:
        """AddExtension. None when it was refused, as it had to be, and left nothing."""
        world = self.fixture.world
        if self.avoids("number-again") and self._would_be_again(client, local):
            local = self._free_local(client)
        fields = {"name": f"Name {login}", "company": f"Company {login}", "email": f"{login}@example.com"}
        texts = {**fields, "login": login, "password": "Long!Enough4u", "extensionType": kind}
        if local is not None:
            texts["extensionNo"] = local
        account = world.accounts[client]
        texts[parent] = {
            "parentID": str(client),
            "parentIdentifier": account.identifier,
            "parentLogin": account.login,
        }[parent]
        before = (set(world.accounts), set(world.extensions))
        number = world.extended(account, str(int(local))) if local else None  # 2.5 has a whole number here
        taken = world.by_login(login) or number in world.extensions
        reply = self.fixture.call("AddExtension", by=by, **texts)
        if taken:
            assert reply.code == "200", reply.outcome
            assert (set(world.accounts), set(world.extensions)) == before, "an undone Add left something"
            return None
        user = world.by_login(login)
        assert user is not None, f"{login} was not made: {reply.code} {reply.fault and reply.fault.text}"
        [number] = set(world.extensions) - before[1]
        person = self._person(user.id)
        phone = self.model.enter(Phone(number, kind, person))
        answer = reply.answer
        assert answer.get("result") == "success"
        assert answer.get("identifier") == user.identifier
        assert answer.get("ID") == str(user.id), f"the new user {user.id} is answered as {answer.get('ID')}"
        self.model.meet(phone, answer.get("ID") or "", answer.get("extensionID") or "")
        return phone

    def _would_be_again(self, client: int, local: str | None) -> bool:
        """Whether a new extension may get the number of one that v3 deleted behind the shim's back."""
        world = self.fixture.world
        number = world.extended(world.accounts[client], local) if local else f"{client:04d}*"
        stale = {each.number for each in self.fixture.map.live()} - set(world.extensions)
        return any(each.startswith(number) for each in stale) if local is None else number in stale

    def _person(self, user: int) -> Person:
        """A user of v3 as it is now, entered into the model."""
        account = self.fixture.world.accounts[user]
        profile = account.profile
        texts = {name: profile.get(name, "") for name in ("login", "name", "company", "email", "phone")}
        person = Person(user, account.parent or 0, account.identifier, **texts)
        person.permissions = dict.fromkeys(GRANTED, "true") | {"concurentCalls": UNLIMITED}
        self.model.people.append(person)
        return person

    def edit(self, phone: Phone, by_identifier: bool = False, /, **changes: str) -> Reply:
        """EditExtension; a login that is somebody else's is refused, and nothing is changed."""
        person = phone.person
        holder = self.fixture.world.by_login(changes.get("login", ""))
        reply = self.fixture.call("EditExtension", **self._named(phone, by_identifier), **changes)
        if holder is not None and holder.id != person.user:
            assert reply.code == "200", reply.outcome
            return reply
        assert reply.get("result") == "success"
        self._about(reply, phone, by_identifier)
        for name, text in changes.items():
            if name != "password":
                setattr(person, name, text)
        if "password" in changes and not by_identifier:
            assert self.fixture.world.extensions[phone.number].password == changes["password"]
        self._siblings_told(reply, phone)
        return reply

    def set_status(self, phone: Phone, on: bool, phone_status: str | None = None) -> Reply:
        more = {"phoneStatus": phone_status} if phone_status else {}
        reply = self.fixture.call("SetExtensionStatus", ID=str(phone.id), status=str(int(on)), **more)
        self._changed(reply, phone)
        person = phone.person
        person.status, person.phone_status = on, phone_status or person.phone_status
        account = self.fixture.world.accounts[person.user]
        assert (account.status, account.phone_status) == (person.status, person.phone_status)
        return reply

    def set_access(self, phone: Phone, on: bool) -> Reply:
        reply = self.fixture.call("SetExtensionCpAccess", ID=str(phone.id), cpAccess=str(int(on)))
        self._changed(reply, phone)
        phone.person.cp_access = on
        return reply

    def permit(self, phone: Phone, level: str | None = None, /, **permissions: str) -> Reply:
        """SetExtensionPL: what the shim keeps is the extension's own, the rest is its user's."""
        fields = [_limit(name, text) for name, text in permissions.items()]
        if level is not None:
            fields.append(Element("level", level))
        reply = self.fixture.call("SetExtensionPL", *fields, ID=str(phone.id))
        self._changed(reply, phone)
        phone.person.permissions |= permissions
        phone.level = level or phone.level
        for each in self.model.of(phone.person):
            self.compare_permissions(each)
        return reply

    def delete(
        self, phones: Iterable[Phone], lost: Iterable[str] = (), by_identifier: Iterable[Phone] = ()
    ) -> Reply:
        """DelExtension of some, with IDs that are nobody's among them."""
        named, meant = list(phones), list(by_identifier)
        fields = [Element("ID", text) for text in (*(str(each.id) for each in named), *lost)]
        fields += [Element("identifier", each.person.identifier) for each in meant]
        reply = self.fixture.call("DelExtension", *fields)
        gone = list(dict.fromkeys((*named, *meant)))
        if not gone:
            assert reply.code == "100", "nothing was there to delete"
            self._catch_up()
            return reply
        whole = len(gone) == len(fields)
        said = (reply.get("items"), reply.get("result"))
        assert said == (str(len(gone)), "success" if whole else "partial"), (said, len(gone), len(fields))
        for phone in gone:
            self.model.drop(phone)
        for person in {each.person for each in gone}:
            own = any(each.id == str(person.user) for each in gone if each.person is person)
            if own and not self.model.of(person):
                assert person.user not in self.fixture.world.accounts, "the user of the last one is still there"
        self._catch_up()
        return reply

    def deletable_dead(self) -> list[str]:
        """IDs of extensions that are gone, which a client may well try to delete once more."""
        known = self.fixture.map.find("old_id", self.model.dead()) if self.avoids("delete-counts-gone") else {}
        return [each for each in self.model.dead() if each not in known]

    def _catch_up(self) -> None:
        """Users without extensions may have gone with a deletion; nobody else may."""
        for person in [each for each in self.model.people if each.user not in self.fixture.world.accounts]:
            assert not self.model.of(person), f"user {person.user} went, with extensions"
            self.model.people.remove(person)

    def known_before(self, phone: Phone) -> None:
        """An old client uses the ID from before the upgrade, which the shim never saw: it is the user's."""
        said = self.fixture.call("GetExtensionDetails", ID=str(phone.person.user)).answer
        self.model.meet(phone, said.get("ID") or "", said.get("extensionID") or "")

    def find_by_identifier(self, phone: Phone) -> Reply:
        """GetExtensionDetails by identifier: one of the user's extensions, the one with the user's ID first."""
        person = phone.person
        reply = self.fixture.call("GetExtensionDetails", identifier=person.identifier)
        own = [each for each in self.model.of(person) if each.id == str(person.user)]
        meant = {each.id for each in own or self.model.of(person)}
        assert reply.get("ID") in meant, f"{reply.get('ID')} is none of {meant}"
        return reply

    def list(self, client: int, by: int = PROVIDER, text: str | None = None, kind: str | None = None) -> Reply:
        """GetExtensions of a client, compared with the model."""
        asked = {"filter": text, "extensionType": kind}
        if by != client:
            asked["parentID"] = str(client)
        reply = self.fixture.call("GetExtensions", by=by, **{key: said for key, said in asked.items() if said})
        expected = self.model.listed(client, text, kind)
        rows = {row.get("extensionNo") or "": row for row in reply.rows()}
        assert len(rows) == len(reply.rows()), "a number is listed twice"
        assert rows.keys() == expected.keys(), f"listed {sorted(rows)} instead of {sorted(expected)}"
        for local, phone in expected.items():
            self._compare_row(rows[local], phone)
        return reply

    def add_rule(self, phone: Phone) -> None:
        rule = Element("rule", children=[Element("busy", children=[Element("match", "1")])])
        reply = self.fixture.call("AddCallRulesIn", rule, userID=str(phone.id))
        phone.rules += [each.text or "" for each in reply.answer.all("ID")]
        self.compare_rules(phone)

    def drop_rule(self, phone: Phone) -> None:
        reply = self.fixture.call("DelCallRulesIn", ID=phone.rules.pop(), userID=str(phone.id))
        assert reply.get("items") == "1"
        self.compare_rules(phone)

    def compare_rules(self, phone: Phone) -> None:
        reply = self.fixture.call("GetCallRulesIn", userID=str(phone.id))
        assert [row.get("ruleID") for row in reply.rows("rules")] == phone.rules
        assert reply.get("userID") in (None, phone.id)

    def assign(self, queue: Phone, agent: Phone) -> None:
        """AssignQueueAgent; an agent that is in the queue already is refused."""
        reply = self.fixture.call("AssignQueueAgent", queueID=str(queue.id), ID=str(agent.id))
        if agent.number in queue.agents:
            assert reply.code == "200"
        else:
            assert reply.get("result") == "success"
            queue.agents.add(agent.number)
        self.compare_agents(queue)

    def unassign(self, queue: Phone, agent: Phone) -> None:
        reply = self.fixture.call("UnassignQueueAgent", queueID=str(queue.id), ID=str(agent.id))
        assert reply.get("result") == "success"
        queue.agents.discard(agent.number)
        self.compare_agents(queue)

    def compare_agents(self, queue: Phone) -> None:
        reply = self.fixture.call("GetQueueAgents", ID=str(queue.id))
        expected = sorted(str(self.model.phones[number].id) for number in queue.agents)
        assert sorted(row.get("ID") or "" for row in reply.rows("localAgents")) == expected

    # ---- in v3, behind the shim's back ----

    def native_user(self, client: int, login: str, *kinds: str) -> Person | None:
        """A new user with an extension of each of these types. None when the login is taken."""
        if self.fixture.world.by_login(login):
            return None
        user = self.fixture.new_user(client, login, email=f"{login}@v3.example", company="Native Ltd")
        person = self._person(user)
        for kind in kinds:
            self.native_extension(person, kind)
        return person

    def native_extension(self, person: Person, kind: str = "term", local: str | None = None) -> Phone:
        local = local or self._free_local(person.client)
        number = self.fixture.new_extension(person.user, local, _TO_NEW.get(kind, kind))
        return self.model.enter(Phone(number, kind, person))

    def _free_local(self, client: int) -> str:
        """A number that nobody ever had: v3 gives numbers again, which is for `add` to meet."""
        prefix = f"{client:04d}*"
        held = [each.number for each in (*self.model.phones.values(), *self.model.holders.values())]
        used = [int(number.removeprefix(prefix)) for number in held if number.startswith(prefix)]
        return str(max([500, *used]) + 1)

    def native_move(self, phone: Phone, person: Person) -> None:
        """The extension is another user's of the same client from now on."""
        self.fixture.move(phone.number, person.user)
        phone.person = person
        person.ever += 1
        if self.fixture.world.ways.row_identifier == "extension" and phone.id is not None:
            self.compare_details(phone)  # lists tell nothing of it then: it is seen when it is read by itself

    def native_delete_user(self, person: Person) -> None:
        world = self.fixture.world
        world.leave(world.accounts[person.user])
        self.model.leave(person)

    def native_delete(self, phone: Phone) -> None:
        self.fixture.world.drop_extension(phone.number)
        self.model.drop(phone)
        self.model.away.append(phone)

    def native_return(self, phone: Phone) -> None:
        """An extension that v3 had deleted is there again: the same number of the same user."""
        world = self.fixture.world
        self.model.away.remove(phone)
        if phone.person in self.model.people and phone.number not in world.extensions:
            self.fixture.new_extension(phone.person.user, phone.local, _TO_NEW.get(phone.kind, phone.kind))
            phone.rules.clear()
            phone.agents.clear()
            self.model.phones[phone.number] = phone

    def lied_to(self, client: int, lies: Iterable[tuple[str, str]]) -> None:
        """A list is read whose v3 lists lie; then every ID is used, before any list that does not."""
        for operation, lie in lies:
            self.fixture.world.interfere(operation, f"list:{lie}")
        reply = self.fixture.call("GetExtensions", parentID=str(client))
        self.fixture.world.faults.clear()
        there = self.model.listed(client)
        for row in reply.rows():
            phone, shown = there.get(row.get("extensionNo") or ""), row.get("ID") or ""
            if phone is not None:
                self.model.meet(phone, shown, row.get("extensionID") or "")
        for phone in self.model.live():
            if phone.id is not None:
                self.compare_details(phone)

    def native_rename(self, person: Person, login: str) -> None:
        world = self.fixture.world
        if world.by_login(login):
            return
        world.rename(world.accounts[person.user], login)
        person.login = login
        person.name = world.accounts[person.user].profile["name"] = f"Renamed {login}"

    def native_renumber(self, phone: Phone) -> None:
        """Another number, for one without call rules or agents: what it owns is not carried along here."""
        busy = phone.rules or phone.agents or any(phone.number in each.agents for each in self.model.live())
        if not busy:
            number = self.fixture.renumber(phone.number, self._free_local(phone.person.client))
            self.model.renumber(phone, number)

    def native_recreate(self, person: Person) -> None:
        """Deleted and made again: another user ID, but the same login, identifier and numbers."""
        person.user = self.fixture.recreate(person.user)
        for phone in self.model.of(person):
            phone.rules.clear()
            phone.agents.clear()
            for each in self.model.live():
                each.agents.discard(phone.number)

    # ---- what is seen afterwards ----

    def look(self, gone: int = 2) -> None:
        """The whole old view: lists, the details of every ID in them, and that what is gone is gone.

        Of the IDs that are gone so many are looked at, the next ones the next time.
        """
        for client in CLIENTS:
            self.list(client)
        for phone in self.model.live():
            self.compare_details(phone)
        dead = list(self.model.dead())
        if self.avoids("gone-unnoticed"):
            gone = max(gone, len(dead))  # to ask for the ID of one that is gone makes the map forget it
        self.looks += gone
        start = self.looks % len(dead) if dead else 0
        self.check_gone((dead[start:] + dead[:start])[:gone])
        assert not self.fixture.journal.open, f"the journal has open entries: {self.fixture.journal.open}"

    def check_gone(self, ids: Iterable[str]) -> None:
        for old_id in list(ids):
            reply = self.fixture.call("GetExtensionDetails", ID=old_id)
            assert reply.code == "100", f"{old_id} is gone, and is answered with {reply.outcome}"

    def compare_details(self, phone: Phone) -> None:
        person = phone.person
        reply = self.fixture.call("GetExtensionDetails", ID=str(phone.id))
        said = reply.answer
        self.model.meet(phone, said.get("ID") or "", said.get("extensionID") or "")
        expected = {
            "name": person.name,
            "login": person.login,
            "company": person.company,
            "email": person.email,
            "phone": person.phone,
            "identifier": person.identifier,
            "extensionType": phone.kind,
            "extensionNo": phone.local,
            "parentID": str(person.client),
        }
        found = {name: said.get(name) or "" for name in expected}
        found["identifier"] = found["identifier"] or person.identifier  # 2.5 says the ID or the identifier
        assert found == expected, f"details of {phone.number}: {found} instead of {expected}"
        switches = (is_on(said.get("status")), is_on(said.get("cpAccess")))
        assert switches == (person.status, person.cp_access), f"status and panel access of {phone.number}"

    def compare_permissions(self, phone: Phone) -> None:
        said = self.fixture.call("GetExtensionPL", ID=str(phone.id)).answer.child("extensionPL")
        assert said is not None
        assert said.get("ID") == phone.id
        assert said.get("level") == phone.level, f"the level of {phone.number} is {said.get('level')}"
        kind = new(self.fixture.dialect).operations["User.SetUserPL"].input.complex
        assert kind is not None
        for name, text in phone.person.permissions.items():
            if name not in {v3.replace("provision", "Provision") for v3 in kind.slots} | set(kind.slots):
                continue  # what the version has no more is kept for each extension by itself
            assert _said(said.child(name)) == text, f"{name} of {phone.number}"

    def _compare_row(self, row: Element, phone: Phone) -> None:
        person = phone.person
        self.model.meet(phone, row.get("ID") or "", row.get("extensionID") or "")
        found = tuple(row.get(name) or "" for name in ("name", "login", "email", "identifier", "extensionType"))
        expected = (person.name, person.login, person.email, person.identifier, phone.kind)
        assert found == expected, f"the row of {phone.number}: {found} instead of {expected}"

    def _named(self, phone: Phone, by_identifier: bool) -> dict[str, str]:
        return {"identifier": phone.person.identifier} if by_identifier else {"ID": str(phone.id)}

    def _about(self, reply: Reply, phone: Phone, by_identifier: bool = False) -> None:
        meant = {each.id for each in self.model.of(phone.person)} if by_identifier else {phone.id}
        assert reply.get("ID") in meant, f"the answer is about {reply.get('ID')}, not {phone.id}"

    def _changed(self, reply: Reply, phone: Phone) -> None:
        assert reply.get("result") == "success"
        self._about(reply, phone)
        self._siblings_told(reply, phone)

    def _siblings_told(self, reply: Reply, phone: Phone) -> None:
        if self.model.siblings(phone):
            assert "siblings-touched" in reply.findings, f"nothing is said of the siblings of {phone.number}"


def _limit(name: str, text: str) -> Element:
    if name in GRANTED:
        return Element(name, text)
    unlimited = text == UNLIMITED
    return Element(name, "0" if unlimited else text, {"unlimited": "true" if unlimited else "false"})


def _said(element: Element | None) -> str | None:
    """A permission or limit as the model writes it."""
    if element is None:
        return None
    if is_on(element.attributes.get("unlimited")):
        return UNLIMITED
    text = element.text or ""
    return ("true" if is_on(text) else "false") if element.name in GRANTED else text
