from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from pydantic import SecretStr

from shim.core.errors import CallerError, LoginsBusy
from shim.core.message import Credentials
from shim.edge.callers.integrations import Integration, Integrations
from shim.edge.callers.passwords import Passwords
from shim.edge.callers.proofs import PROOFS, Proofs, digest_of
from shim.edge.callers.throttle import Throttle
from shim.edge.settings.model import Argon2, LoginSettings
from shim.edge.store.database import Store

pytest_plugins = ["tests.support.postgres"]

CHEAP = Argon2(memory=8, iterations=1, parallelism=1)
HASHER = PasswordHasher(1, 8, 1)
HASH = HASHER.hash("right")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def integration(name: str = "acme", enabled: bool = True, **old: Any) -> Integration:
    old = old or {"username": name, "password_hash": HASH}
    new = {"app_key": "key", "app_secret": "new-secret"}
    return Integration.model_validate({"name": name, "enabled": enabled, "old": old, "new": new})


def password(username: str | None = "acme", secret: str | None = "right") -> Credentials:
    return Credentials(username=username, password=secret)


class KnownCallers:
    """Integrations with a clock in hand, and a count of the hashes they cost."""

    def __init__(self, *entries: Integration, **login: Any) -> None:
        self.clock = Clock()
        self.all = Integrations(entries, LoginSettings(argon2=CHEAP, **login), self.clock)
        self.hashes = 0
        inner = self.all._passwords.verify

        async def counted(*args: Any, **known: bool) -> bool:
            self.hashes += 1
            return await inner(*args, **known)

        self.all._passwords.verify = counted  # type: ignore[method-assign, assignment]

    async def name_for(self, credentials: Credentials, address: str = "192.0.2.1") -> str:
        """The name of the integration, or the reason of the refusal."""
        try:
            return (await self.all.authenticate(credentials, address)).name
        except (CallerError, LoginsBusy) as error:
            return error.reason if not {"right", "wrong"} & set(error.text.split()) else error.text


# ---- who it is ----


@pytest.mark.parametrize(
    ("old", "good", "bad"),
    [
        ({"username": "u", "password_hash": HASH}, password("u"), password("u", "wrong")),
        ({"username": "u", "password": "right"}, password("u"), password("u", "wrong")),
        (
            {"app_key": "k", "app_secret_hash": HASH},
            Credentials(app_key="k", app_secret="right"),
            Credentials(app_key="k", app_secret="wrong"),
        ),
        (
            {"app_key": "k", "app_secret": "right"},
            Credentials(app_key="k", app_secret="right"),
            Credentials(app_key="k", app_secret="wrong"),
        ),
        (
            {"crypted_auth": "right"},
            Credentials(crypted_auth="right"),
            Credentials(crypted_auth="wrong"),
        ),
        (
            {"crypted_auth_sha256": hashlib.sha256(b"right").hexdigest()},
            Credentials(crypted_auth="right"),
            Credentials(crypted_auth="wrong"),
        ),
    ],
)
async def test_each_way_with_hash_and_with_secret(
    old: dict[str, Any], good: Credentials, bad: Credentials
) -> None:
    callers = KnownCallers(integration("one", **old))
    assert await callers.name_for(good) == "one"
    assert await callers.name_for(bad) == "login-refused"


async def test_a_name_is_no_app_key() -> None:
    callers = KnownCallers(integration(username="x", password="right"))
    assert await callers.name_for(Credentials(app_key="x", app_secret="right")) == "login-refused"


@pytest.mark.parametrize(
    "credentials", [Credentials(), password("acme", None), password(None), password("acme", "")]
)
async def test_incomplete_credentials_say_what_to_send(credentials: Credentials) -> None:
    callers = KnownCallers(integration())
    with pytest.raises(CallerError, match="username and password") as caught:
        await callers.all.authenticate(credentials, "192.0.2.1")
    assert (caught.value.reason, caught.value.code, caught.value.side) == ("login-refused", "100", "Client")
    assert callers.hashes == 0


async def test_unknown_wrong_and_disabled_sound_and_cost_the_same() -> None:
    callers = KnownCallers(
        integration(),
        integration("off", False),
        integration("plain", username="plain", password="right"),
        integration("plain-off", False, username="plain-off", password="right"),
        integration("app-off", False, app_key="app-off", app_secret="right"),
    )
    texts = set()
    for credentials in (
        password("nobody"),
        password("acme", "wrong"),
        password("off"),
        password("off", "wrong"),
        password("plain", "wrong"),
        password("plain-off"),
        password("plain-off", "wrong"),
        Credentials(app_key="app-off", app_secret="right"),
    ):
        before = callers.hashes
        with pytest.raises(CallerError) as caught:
            await callers.all.authenticate(credentials, "192.0.2.1")
        texts.add((caught.value.text, caught.value.reason, caught.value.code))
        assert callers.hashes == before + 1
    assert len(texts) == 1


async def test_words_in_any_script() -> None:
    callers = KnownCallers(integration(username="jürgen", password="right-Ω-\udc80"))
    assert await callers.name_for(password("jürgen", "right-Ω-\udc80")) == "acme"


# ---- remembering ----


async def test_a_correct_check_is_remembered_for_a_while() -> None:
    callers = KnownCallers(integration(), remember=60)
    for _ in range(5):
        assert await callers.name_for(password()) == "acme"
    assert callers.hashes == 1
    callers.clock.now += 61
    assert await callers.name_for(password()) == "acme"
    assert callers.hashes == 2
    assert await callers.name_for(password("acme", "wrong")) == "login-refused"


async def test_many_at_once_cost_one_hash_and_one_who_leaves_harms_nobody() -> None:
    callers = KnownCallers(integration())
    first = asyncio.create_task(callers.name_for(password()))
    await asyncio.sleep(0)
    first.cancel()
    assert set(await asyncio.gather(*(callers.name_for(password()) for _ in range(20)))) == {"acme"}
    assert callers.hashes == 1


async def test_replacing_the_list_forgets_nothing_but_what_changed() -> None:
    callers = KnownCallers(integration(), integration("other"))
    await callers.name_for(password())
    callers.all.replace([integration(username="acme", password="changed"), integration("third")])
    assert await callers.name_for(password()) == "login-refused"
    assert await callers.name_for(password("acme", "changed")) == "acme"
    assert await callers.name_for(password("other")) == "login-refused"
    assert await callers.name_for(password("third")) == "third"


async def test_a_check_under_way_ends_by_the_list_it_began_with() -> None:
    callers = KnownCallers(integration())
    check = asyncio.create_task(callers.name_for(password()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    callers.all.replace([])
    assert await check == "acme"
    assert await callers.name_for(password()) == "login-refused"


async def test_nothing_in_memory_is_the_secret() -> None:
    callers = KnownCallers(integration())
    await callers.name_for(password())
    assert "right" not in repr(callers.all._proven)


# ---- throttling ----


async def test_five_failures_are_free_then_delays_double() -> None:
    callers = KnownCallers(integration())
    for _ in range(6):
        assert await callers.name_for(password("acme", "wrong")) == "login-refused"
    for delay in (30, 60, 120):
        assert await callers.name_for(password()) == "login-throttled"
        callers.clock.now += delay - 1
        assert await callers.name_for(password()) == "login-throttled"
        callers.clock.now += 1
        assert await callers.name_for(password("acme", "wrong")) == "login-refused"
    callers.clock.now += 240
    assert await callers.name_for(password()) == "acme"
    for _ in range(5):
        assert await callers.name_for(password("acme", "wrong")) == "login-refused"
    assert await callers.name_for(password("acme", "wrong")) == "login-refused"


async def test_a_stranger_locks_out_nobody_who_was_right_before() -> None:
    callers = KnownCallers(integration(), address_failures=10)
    assert await callers.name_for(password()) == "acme"
    for number in range(10):
        await callers.name_for(password("acme", f"wrong {number}"))
    for number in range(10):
        await callers.name_for(password(f"guess{number}", "wrong"))
    assert await callers.name_for(password("acme", "wrong")) == "login-throttled"
    callers.clock.now += 61  # no longer remembered, so it is checked again
    assert await callers.name_for(password()) == "acme"
    assert await callers.name_for(password("acme", "wrong"), "198.51.100.7") == "login-refused"


async def test_credentials_that_went_stale_are_throttled_again() -> None:
    callers = KnownCallers(integration())
    await callers.name_for(password())
    callers.all.replace([integration(username="acme", password="changed")])
    assert [await callers.name_for(password()) for _ in range(7)] == ["login-refused"] * 6 + ["login-throttled"]
    assert callers.hashes == 1 + 6


async def test_an_address_that_tries_many_logins_waits() -> None:
    callers = KnownCallers(integration())
    for number in range(50):
        assert await callers.name_for(password(f"guess{number}", "wrong")) == "login-refused"
    assert await callers.name_for(password()) == "login-throttled"
    assert await callers.name_for(password(), "192.0.2.2") == "acme"
    callers.clock.now += 601
    assert await callers.name_for(password()) == "acme"


async def test_guessing_all_at_once_is_no_way_around() -> None:
    callers = KnownCallers(integration())
    tries = (callers.name_for(password("acme", f"wrong {number}")) for number in range(60))
    reasons = await asyncio.gather(*tries)
    assert reasons.count("login-refused") == 6


async def test_text_of_a_delay_tells_how_long() -> None:
    callers = KnownCallers(integration(), free_failures=1)
    for _ in range(2):
        await callers.name_for(password("acme", "wrong"))
    with pytest.raises(CallerError, match="in 30 seconds"):
        await callers.all.authenticate(password(), "192.0.2.1")


def throttle(clock: Clock, **login: Any) -> Throttle:
    return Throttle(LoginSettings(**login), clock)


def test_delay_has_an_end_and_failures_age() -> None:
    clock = Clock()
    guard = throttle(clock)
    for _ in range(500):
        guard.attempt("x", "192.0.2.1")
        clock.now += 601
    clock.now -= 601
    assert guard.wait("x", "192.0.2.1") == 3600
    clock.now += 7201
    guard.attempt("x", "192.0.2.1")
    assert guard.wait("x", "192.0.2.1") == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("nonsense", "nonsense", True),
        ("fe80::1%eth0", "fe80::2", True),
    ],
)
def test_what_counts_as_one_address(one: str, other: str, same: bool) -> None:
    guard = throttle(Clock(), address_failures=1)
    guard.attempt("x", one)
    assert (guard.wait("y", other) > 0) is same


def test_tables_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shim.edge.callers.throttle._MOST_ENTRIES", 10)
    guard = throttle(Clock())
    for number in range(50):
        guard.attempt(f"x{number}", f"192.0.2.{number}")
    assert len(guard._pairs) == len(guard._addresses) == 10


# ---- hashing ----


async def test_the_queue_has_an_end_and_costs_the_caller_nothing() -> None:
    callers = KnownCallers(integration(), queue=1, free_failures=1)
    passwords, free = callers.all._passwords, threading.Event()
    passwords._same = lambda *_: free.wait(5) and False  # type: ignore[method-assign]
    most = passwords._strangers.most
    waiting = [asyncio.create_task(callers.name_for(password(f"u{n}", "wrong"))) for n in range(most)]
    for _ in range(3):
        await asyncio.sleep(0)
    assert passwords._strangers.checks == most
    for _ in range(5):
        with pytest.raises(LoginsBusy) as caught:
            await callers.all.authenticate(password(), "192.0.2.9")
        assert (caught.value.reason, caught.value.code, caught.value.side) == ("login-busy", None, "Server")
    assert callers.all._throttle.wait("anything", "192.0.2.9") == 0
    free.set()
    assert set(await asyncio.gather(*waiting)) == {"login-refused"}
    assert passwords._strangers.checks == 0


async def test_however_many_strangers_guess_a_known_caller_is_checked_in_a_lane_of_its_own() -> None:
    callers = KnownCallers(integration(), queue=1)
    assert await callers.name_for(password()) == "acme"
    passwords, free = callers.all._passwords, threading.Event()
    real = passwords._same
    passwords._same = (  # type: ignore[method-assign]
        lambda hash, secret: (free.wait(60) and False) if secret == "wrong" else real(hash, secret)
    )
    most = passwords._strangers.most
    guesses = [asyncio.create_task(callers.name_for(password(f"u{n}", "wrong"))) for n in range(most)]
    for _ in range(3):
        await asyncio.sleep(0)
    callers.clock.now += 3600.0
    assert await callers.name_for(password("u", "another")) == "login-busy", (
        "a new caller waits behind strangers"
    )
    assert await callers.name_for(password()) == "acme"
    free.set()
    assert set(await asyncio.gather(*guesses)) == {"login-refused"}


async def test_200_addresses_of_a_known_caller_cost_one_check_that_is_never_refused() -> None:
    callers = KnownCallers(integration(), queue=1)
    await callers.name_for(password())
    callers.clock.now += 61
    calls = (callers.name_for(password(), f"192.0.2.{number}") for number in range(200))
    assert set(await asyncio.gather(*calls)) == {"acme"}
    assert callers.hashes == 2


async def test_known_callers_wait_for_each_other_alone() -> None:
    """With strangers at every core and in every place of the queue, as many checks run as there are logins."""
    names = [f"login{number}" for number in range(20)]
    callers = KnownCallers(*map(integration, names), queue=50)
    for name in names:
        await callers.name_for(password(name))
    callers.clock.now += 61
    passwords, free, done = callers.all._passwords, threading.Event(), []
    real = passwords._same

    def same(hash: str, secret: str) -> bool:
        if secret != "right":
            free.wait(60)
        done.append(secret)
        return real(hash, secret)

    passwords._same = same  # type: ignore[method-assign]
    guesses = [
        asyncio.create_task(callers.name_for(password(name, f"guess {number}"), f"198.51.{number}.1"))
        for number in range(200)
        for name in names
    ]
    for _ in range(3):
        await asyncio.sleep(0)
    calls = (callers.name_for(password(name), f"192.0.2.{number}") for number in range(5) for name in names)
    assert set(await asyncio.gather(*calls)) == set(names)
    assert done == ["right"] * 20
    free.set()
    refused = await asyncio.gather(*guesses)
    assert set(refused) == {"login-refused", "login-busy"}
    assert refused.count("login-refused") == passwords._strangers.most


async def test_an_address_that_logs_in_is_not_locked_by_strangers_and_each_login_still_is() -> None:
    callers = KnownCallers(integration(), integration("second"), address_failures=10)
    assert await callers.name_for(password()) == "acme"
    for number in range(30):
        assert await callers.name_for(password(f"guess{number}", "wrong")) == "login-refused"
    assert await callers.name_for(password("second")) == "second", (
        "who never logged in before, at the same address"
    )
    tries = [await callers.name_for(password("victim", f"wrong {n}")) for n in range(10)]
    assert tries == ["login-refused"] * 6 + ["login-throttled"] * 4


async def test_a_remembered_success_counts_for_its_address_too_as_long_as_failures_count() -> None:
    callers = KnownCallers(integration(), address_failures=10, remember=10_000)
    await callers.name_for(password(), "192.0.2.9")
    for number in range(10):
        await callers.name_for(password(f"guess{number}", "wrong"))
    assert await callers.name_for(password("new", "wrong")) == "login-throttled"
    assert await callers.name_for(password()) == "acme"
    assert callers.hashes == 11
    assert await callers.name_for(password("new", "wrong")) == "login-refused"
    callers.clock.now += 599
    for number in range(10):
        await callers.name_for(password(f"more{number}", "wrong"))
    assert await callers.name_for(password("newer", "wrong")) == "login-refused"
    callers.clock.now += 1
    assert await callers.name_for(password("newest", "wrong")) == "login-throttled", "a window without success"


async def test_successes_of_a_customer_give_a_stranger_at_its_address_no_new_guesses() -> None:
    callers = KnownCallers(integration(), remember=0.5)
    await callers.name_for(password())
    tried = 0
    for _ in range(10):
        for _ in range(10):
            tried += await callers.name_for(password("acme", "wrong")) == "login-refused"
        callers.clock.now += 1
        assert await callers.name_for(password()) == "acme"
    assert tried == 6


# ---- proofs, over a restart ----


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'shim.db'}")
    yield opened
    await opened.close()


async def restarted(store: Store, *entries: Integration) -> tuple[KnownCallers, Proofs]:
    """The integrations of a process that starts on the store."""
    proofs = Proofs(store)
    await proofs.start()
    callers = KnownCallers(*(entries or (integration(),)), free_failures=1)
    callers.all._proofs = proofs
    return callers, proofs


async def test_after_a_restart_a_stranger_at_the_same_address_locks_out_nobody_who_logged_in_before(
    store: Store,
) -> None:
    callers, proofs = await restarted(store)
    assert await callers.name_for(password()) == "acme"
    await proofs.close()
    callers, proofs = await restarted(store)
    for _ in range(9):
        await callers.name_for(password(secret="wrong"))
    assert "Too many" in (await refusal(callers, password(secret="wrong")))
    assert await callers.name_for(password()) == "acme"


@pytest.fixture
async def two_stores(postgres: Callable[[], str]) -> AsyncIterator[tuple[Store, Store]]:
    url = postgres()
    stores = await Store.open(url), await Store.open(url)
    yield stores
    for each in stores:
        await each.close()


async def test_who_logged_in_at_one_replica_is_known_at_another_that_runs(
    two_stores: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shim.edge.callers.proofs._EVERY", 0.01)
    here, proofs_here = await restarted(two_stores[0])
    there, proofs_there = await restarted(two_stores[1])
    assert await here.name_for(password()) == "acme"
    await proofs_here.close()
    for _ in range(9):
        await there.name_for(password(secret="wrong"))
    assert "Too many" in (await refusal(there, password(secret="wrong")))
    for _ in range(6_000):  # another replica tells by the store alone
        if proofs_there._known:
            break
        await asyncio.sleep(0.01)
    assert await there.name_for(password()) == "acme"
    await proofs_there.close()


async def test_old_proofs_that_cannot_be_dropped_keep_no_shim_from_starting(store: Store) -> None:
    callers, proofs = await restarted(store)
    assert await callers.name_for(password()) == "acme"
    await proofs.close()
    [fresh] = await kept(store)
    assert store.path is not None
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("INSERT INTO login_proofs VALUES ('old', 'acme', '2020-01-01 00:00:00.000000')")
        connection.execute(
            "CREATE TRIGGER no BEFORE DELETE ON login_proofs BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        connection.commit()
    _, proofs = await restarted(store)
    assert proofs.knows(fresh)
    assert not proofs.knows("old")


async def test_what_was_never_right_is_locked_out_after_a_restart_too(store: Store) -> None:
    callers, proofs = await restarted(store)
    for _ in range(9):
        await callers.name_for(password(secret="wrong"))
    assert "Too many" in (await refusal(callers, password()))
    await proofs.close()
    assert await kept(store) == []


async def test_a_proof_ends_with_the_password_and_opens_nothing(store: Store) -> None:
    callers, proofs = await restarted(store)
    assert await callers.name_for(password()) == "acme"
    await proofs.close()
    assert len(await kept(store)) == 1
    changed = integration(username="acme", password_hash=HASHER.hash("another"))
    callers, proofs = await restarted(store, changed)
    for _ in range(3):
        assert await callers.name_for(password()) != "acme"
    disabled = integration(enabled=False)
    callers, proofs = await restarted(store, disabled)
    assert await callers.name_for(password()) != "acme"


async def test_a_login_that_is_disabled_and_enabled_again_has_to_prove_itself(store: Store) -> None:
    callers, proofs = await restarted(store)
    assert await callers.name_for(password()) == "acme"
    callers.all.replace([integration(enabled=False)])
    await proofs.close()
    assert await kept(store) == []
    callers.all.replace([integration()])
    for _ in range(9):
        await callers.name_for(password(secret="wrong"))
    assert "Too many" in (await refusal(callers, password()))


async def test_after_a_restart_a_known_caller_is_checked_in_its_own_lane(store: Store) -> None:
    callers, proofs = await restarted(store)
    assert await callers.name_for(password()) == "acme"
    await proofs.close()
    callers, proofs = await restarted(store)
    passwords, free = callers.all._passwords, threading.Event()
    real = passwords._same
    passwords._same = (  # type: ignore[method-assign]
        lambda hash, secret: (free.wait(60) and False) if secret != "right" else real(hash, secret)
    )
    most = passwords._strangers.most
    guesses = [
        asyncio.create_task(callers.name_for(password("acme", f"w{n}"), f"198.51.{n}.1")) for n in range(most)
    ]
    for _ in range(3):
        await asyncio.sleep(0)
    assert await callers.name_for(password("other")) == "login-busy"
    assert await callers.name_for(password()) == "acme"
    free.set()
    assert set(await asyncio.gather(*guesses)) == {"login-refused"}


async def test_known_unknown_and_disabled_logins_cost_the_same_digests_and_hashes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted: an unknown login must not be told from a known one by what is left out for it."""
    off = integration("off", False)
    app = integration("app", app_key="app", app_secret_hash=HASH)
    callers, _ = await restarted(store, integration(), off, app)
    digests: list[str] = []

    def counted(*args: Any) -> str:
        digests.append(args[2])
        return digest_of(*args)

    monkeypatch.setattr("shim.edge.callers.integrations.digest_of", counted)
    for number, credentials in enumerate(
        (
            password("acme", "wrong"),
            password("nobody", "wrong"),
            password("off", "wrong"),
            password("off"),
            Credentials(app_key="app", app_secret="wrong"),
            Credentials(app_key="nobody", app_secret="wrong"),
        )
    ):
        digests.clear()
        before = callers.hashes
        with pytest.raises(CallerError, match="credentials were refused"):
            await callers.all.authenticate(credentials, f"192.0.2.{number}")
        assert (len(digests), callers.hashes - before) == (1, 1)


async def test_no_password_can_be_tried_on_what_the_store_has(store: Store) -> None:
    """Without the secret of the v3 app, which stands in the configuration, the digest is another one."""
    callers, proofs = await restarted(store)
    assert await callers.name_for(password()) == "acme"
    await proofs.close()
    [digest] = await kept(store)
    known = integration()
    assert digest == digest_of(known, "password", "acme", "right", HASH)
    other = known.new.model_copy(update={"app_secret": SecretStr("guessed")})
    guessed = known.model_copy(update={"new": other})
    assert digest != digest_of(guessed, "password", "acme", "right", HASH)


async def test_a_store_that_fails_costs_a_login_nothing(store: Store) -> None:
    callers, proofs = await restarted(store)
    await store.close()
    assert await callers.name_for(password()) == "acme"
    await proofs.close()


async def kept(store: Store) -> list[str]:
    async with store.reading() as connection:
        return [row.digest for row in await connection.execute(sa.select(PROOFS))]


async def refusal(callers: KnownCallers, credentials: Credentials) -> str:
    with pytest.raises(CallerError) as caught:
        await callers.all.authenticate(credentials, "192.0.2.1")
    return caught.value.text


async def test_close_ends_what_waits() -> None:
    callers = KnownCallers(integration())
    waiting = asyncio.create_task(callers.name_for(password()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await callers.all.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


def test_default_parameters_are_those_of_the_limits() -> None:
    hashed = Passwords().hash("x")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
