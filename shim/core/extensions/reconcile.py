"""Reconcile: the identity map and a list of extensions, which may differ, and of which the list may be wrong.

Laws: what a list says that the map does not know is learned; what it says against the map (an extension is not
there, is another user's, is there again) is asked of v3 by itself, and that counts. A number that v3 denies
while another one of the same user came is the same extension renumbered: the one with the same local part (an
organization that was renumbered), or the only one that changed. Old IDs stay with their extension.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shim.core.commands.extensions import (
    DenyIdentities,
    DoubtIdentities,
    FindEnded,
    FindIdentities,
    Identity,
    Known,
    LearnIdentities,
    RenumberIdentities,
)
from shim.core.commands.steps import Steps, ask
from shim.core.context import CallContext
from shim.core.errors import BackendRefused, says_absent
from shim.core.extensions.evidence import Evidence, ask_each
from shim.core.forward import read_v3
from shim.core.message import Element

MOST_ASKED = 100
"""How many extensions v3 is asked for by themselves for one list; others stay as they are, or unconfirmed."""


@dataclass(slots=True)
class ListedExtensions:
    """A list of extensions. `rows` are those whose owner is known, `numbers` all that it shows.

    `users` are those of whom it shows every extension. `own` says that it is the list of one user; `denied` are
    numbers of which v3 has just said by themselves that they do not exist.
    """

    rows: Sequence[Known]
    numbers: Collection[str]
    users: Collection[str] = ()
    own: bool = False
    denied: frozenset[str] = frozenset()


@dataclass(slots=True)
class Reconciled:
    """The identities of what the list shows, by number; extensions that it should show too, with their details;
    and numbers that it shows and v3 denies."""

    identities: dict[str, Identity] = field(default_factory=dict)
    omitted: dict[str, Element] = field(default_factory=dict)
    ghosts: set[str] = field(default_factory=set)
    gone: list[Identity] = field(default_factory=list)


def reconcile(context: CallContext, seen: ListedExtensions) -> Steps[Reconciled]:
    """Bring the map in line with a list, and the list with v3."""
    identities = yield from ask(FindIdentities("number", tuple(dict.fromkeys(seen.numbers))))
    stand = {number: each for number, (each, *_) in identities.items()}
    missing = yield from _missing(seen)
    fresh = [each.number for each in seen.rows if each.number not in stand]
    ended = (yield from ask(FindEnded("number", tuple(fresh)))) if fresh else {}
    against = [each.number for each in seen.rows if each.number in ended or _is_against(stand, each)]
    numbers = [each for each in (*against, *missing) if each not in seen.denied]
    evidence = _both((yield from ask_each(context, numbers[:MOST_ASKED])), Evidence(denied=seen.denied))
    if any(number in evidence.there for number in missing):  # a list that is wrong once may be wrong twice
        more = yield from ask_each(context, [each for each in fresh if each not in against][:MOST_ASKED])
        evidence, against = _both(evidence, more), [*against, *fresh]
    result = Reconciled({each.number: stand[each.number] for each in seen.rows if each.number in stand})
    news = list(_news(seen.rows, set(against), evidence, stand, result))
    gone = [each for number, each in missing.items() if number in evidence.denied]
    yield from _renumber(context, seen, gone, news, ended, result)
    result.omitted = {number: evidence.there[number] for number in missing if number in evidence.there}
    news += [evidence.known(number, missing[number].user_id) for number in result.omitted]
    unseen = tuple(
        number for number in missing if number not in evidence.there and number not in evidence.denied
    )
    if unseen:
        yield from ask(DoubtIdentities(unseen))
    if news:
        learned = yield from ask(LearnIdentities(tuple(news)))
        result.identities |= {each.number: each for each in learned}
    return result


def _missing(seen: ListedExtensions) -> Steps[dict[str, Identity]]:
    """The extensions that the list should show and does not, by number: first what was sure."""
    if not seen.users:
        return {}
    before = yield from ask(FindIdentities("user_id", tuple(seen.users)))
    shown = set(seen.numbers)
    lost = [each for group in before.values() for each in group if each.number not in shown]
    return {each.number: each for each in sorted(lost, key=lambda each: bool(each.doubt))}


def _is_against(stand: Mapping[str, Identity], row: Known) -> bool:
    there = stand.get(row.number)
    return there is not None and (there.user_id != row.user_id or there.doubt == "denied")


def _both(first: Evidence, more: Evidence) -> Evidence:
    return Evidence(first.there | more.there, first.denied | more.denied)


def _news(
    rows: Iterable[Known],
    against: Collection[str],
    evidence: Evidence,
    stand: Mapping[str, Identity],
    outcome: Reconciled,
) -> Iterable[Known]:
    """The extensions to learn from the rows: as v3 says by itself where it was asked, else as they are."""
    for each in rows:
        there = stand.get(each.number)
        if each.number in against:
            if each.number in evidence.there:
                yield evidence.known(each.number, each.user_id)
            elif each.number in evidence.denied or there is None:
                outcome.ghosts.add(each.number)
        elif there is None or there.doubt or each.identifier not in (None, there.identifier):
            yield each


def _renumber(
    context: CallContext,
    seen: ListedExtensions,
    gone: Sequence[Identity],
    news: list[Known],
    ended: Collection[str],
    outcome: Reconciled,
) -> Steps[None]:
    """Extensions that v3 denies: they have another number by now, or are not there."""
    came: dict[str, list[str]] = {}
    for each in news:
        if each.number not in outcome.identities and each.number not in ended:
            came.setdefault(each.user_id, []).append(each.number)
    lost: dict[str, list[str]] = {}
    for was in gone:
        if was.doubt != "denied":  # else what comes now came later
            lost.setdefault(was.user_id, []).append(was.number)
    if not seen.own:
        for user in [each for each in lost if each not in came][:MOST_ASKED]:
            came[user] = yield from _new_numbers(context, user)
    pairs = {
        old: new
        for user, numbers in lost.items()
        for old, new in renumberings(numbers, came.get(user, ())).items()
    }
    owners = {was.number: was.user_id for was in gone}
    there = yield from ask_each(context, pairs.values())
    pairs = {
        old: new
        for old, new in pairs.items()
        if new in there.there and there.known(new, owners[old]).user_id == owners[old]
    }
    if pairs:
        yield from ask(RenumberIdentities(pairs))
        news[:] = [each for each in news if each.number not in pairs.values()]
        news += [there.known(new, owners[old]) for old, new in pairs.items()]
    outcome.gone = [was for was in gone if was.number not in pairs]
    if outcome.gone:
        yield from ask(DenyIdentities(tuple(was.number for was in outcome.gone)))


def _new_numbers(context: CallContext, user: str) -> Steps[list[str]]:
    """Numbers of a user that the map never had, by the user's own list."""
    rows = yield from rows_of_user(context, user)
    numbers = tuple(number for row in rows or () if (number := row.get("extendedNumber")))
    if not numbers:
        return []
    there = yield from ask(FindIdentities("number", numbers))
    ended = yield from ask(FindEnded("number", numbers))
    return [each for each in numbers if each not in there and each not in ended]


def rows_of_user(context: CallContext, user: str, *, strict: bool = False) -> Steps[list[Element] | None]:
    """The extensions that v3 lists of a user. Empty when it has none, or v3 denies the user; None when v3 does
    not say, which is raised if `strict`. Raises BackendError when it does not answer."""
    try:
        answer = yield from read_v3(context, "Extension.GetExtensions", Element("parentID", user))
    except BackendRefused as fault:
        if says_absent(fault):
            return []
        if strict:
            raise
        return None
    rows: list[Element] = answer.all("extension")
    return rows


def renumberings(gone: Iterable[str], came: Iterable[str]) -> dict[str, str]:
    """Which numbers of one user became which, old to new: those that are certain."""
    new = {_local(number): number for number in came}
    pairs: dict[str, str] = {}
    left: list[str] = []
    for number in gone:
        if now := new.pop(_local(number), None):
            pairs[number] = now
        else:
            left.append(number)
    if len(left) == len(new) == 1:
        pairs[left[0]] = next(iter(new.values()))
    return pairs


def _local(number: str) -> str:
    return number.rpartition("*")[2]
