"""Whether callers were told the truth: what they know against what is in v3."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from shim.emulator.world.world import ORGANIZATION, USER, World
from tests.chaos.traffic import Ledger, Line


@dataclass
class Verdict:
    """Each is a list of sentences; all have to be empty."""

    lost: list[str] = field(default_factory=list)
    """Told to be done, and not so in v3."""
    doubled: list[str] = field(default_factory=list)
    """More than once in v3, or one ID for two."""
    orphaned: list[str] = field(default_factory=list)
    """In v3, half made or known to nobody."""
    contradicted: list[str] = field(default_factory=list)
    """Answers against each other."""
    given_up: list[str] = field(default_factory=list)
    """Calls that were never answered well, however often they were made."""
    stuck: list[str] = field(default_factory=list)
    """Journal entries that have not ended, paused ones included."""
    internal: list[str] = field(default_factory=list)
    """Internal errors in the logs."""
    mapped: list[str] = field(default_factory=list)
    """What `shim map verify` found."""
    memory: list[str] = field(default_factory=list)
    """Replicas that grew."""

    @property
    def counts(self) -> dict[str, int]:
        return {name: len(found) for name, found in asdict(self).items()}

    @property
    def good(self) -> bool:
        return not any(self.counts.values())


def judge(ledger: Ledger, world: World, kept: Iterable[str], users_kept: int = 0) -> Verdict:
    """The first five of a verdict. `kept` are logins that were there before.

    `users_kept` is how often operators were told that an extension was deleted and its user left (finding
    `user-kept`), since v3 had not shown the extension among its user's: so many users without one are known of.
    """
    verdict = Verdict(contradicted=list(ledger.wrong), given_up=list(ledger.given_up))
    before = set(kept)
    accounts = [each for each in world.accounts.values() if each.login not in before]
    by_login = Counter(each.login for each in accounts)
    phones = Counter(world.accounts[each.user].login for each in world.extensions.values())
    names = {each.login: each.profile.get("name", "") for each in accounts}
    left: list[str] = []
    for line in ledger.lines.values():
        there = by_login[line.login]
        if line.deleted and line.kind == "extension" and there == 1 and not phones[line.login]:
            left.append(line.login)
            continue
        _judge_line(verdict, line, there, phones[line.login], names.get(line.login, ""))
    verdict.orphaned += [f"{each}: a user without an extension, and no finding" for each in left[users_kept:]]
    for login in by_login:
        if login not in ledger.lines:
            verdict.orphaned.append(f"{login}: nobody asked for it")
    for account in accounts:
        if account.level == USER and not phones[account.login] and account.login not in left:
            verdict.orphaned.append(f"{account.login}: a user without an extension")
        elif account.level not in (USER, ORGANIZATION):
            verdict.orphaned.append(f"{account.login}: a {account.level}")
    ids = Counter(line.id for line in ledger.lines.values() if line.id and not line.deleted)
    verdict.doubled += [f"ID {each}: told for {count}" for each, count in ids.items() if count > 1]
    return verdict


def _judge_line(verdict: Verdict, line: Line, there: int, phones: int, name: str) -> None:
    if there > 1 or phones > 1:
        verdict.doubled.append(f"{line.login}: {there} accounts, {phones} extensions")
    if line.unsure:
        return
    if line.deleted and there:
        verdict.lost.append(f"{line.login}: told to be deleted, and there")
    elif line.id and not line.deleted and not there:
        verdict.lost.append(f"{line.login}: told to be added as {line.id}, and not there")
    elif line.id and not line.deleted and name != line.name:
        verdict.lost.append(f"{line.login}: its name is {name!r}, told was {line.name!r}")
