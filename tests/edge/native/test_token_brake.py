from __future__ import annotations

from shim.edge.native.token_brake import TokenApp, TokenBrake
from shim.edge.settings.model import Integration, LoginSettings
from tests.edge.callers.test_integrations import Clock, integration

HERE, THERE = "192.0.2.1", "198.51.100.1"
KNOWN = TokenApp("key", "new-secret", sure=True)


class Brake:
    """A brake of one configured app, with a clock in hand; v3 answers as each request says."""

    def __init__(self, **login: int) -> None:
        self.clock = Clock()
        self.apps: list[Integration] = [integration()]
        self.brake = TokenBrake(lambda: self.apps, LoginSettings(**login), self.clock)

    def asks(self, app: TokenApp, status: int | None, address: str = HERE) -> int | None:
        """What the caller gets: 429, or what v3 says."""
        known = self.brake.knows(app)
        if not known and self.brake.wait(app, address):
            return 429
        self.brake.ended(app, address, status, known=known)
        return status


def guess(number: int, key: str = "key") -> TokenApp:
    return TokenApp(key, f"guess {number}", sure=True)


def test_guesses_at_an_app_key_are_slowed_for_their_address() -> None:
    braked = Brake()
    assert [braked.asks(guess(n), 401) for n in range(9)] == [401] * 6 + [429] * 3
    assert braked.asks(guess(9), 401, THERE) == 401
    braked.clock.now += 30
    assert [braked.asks(guess(n), 401) for n in range(2)] == [401, 429]
    assert braked.brake.wait(guess(1), HERE) == 60


def test_an_address_that_tries_many_keys_waits() -> None:
    braked = Brake(address_failures=10)
    assert [braked.asks(guess(n, f"key {n}"), 401) for n in range(12)] == [401] * 10 + [429] * 2


def test_a_configured_app_is_never_slowed_and_neither_is_one_that_got_a_token() -> None:
    braked, other = Brake(address_failures=10), TokenApp("other", "secret", sure=True)
    assert braked.asks(other, 200) == 200
    for number in range(50):
        braked.asks(guess(number), 401)
        braked.asks(guess(number, "other"), 401)
        braked.asks(guess(number, f"key {number}"), 401)
    assert braked.asks(guess(0), 401) == 429
    assert [braked.asks(KNOWN, 200), braked.asks(other, 200)] == [200, 200]


def test_a_secret_that_was_changed_is_slowed_again() -> None:
    braked, other = Brake(), TokenApp("other", "secret", sure=True)
    braked.asks(other, 200)
    assert [braked.asks(other, 401) for _ in range(8)] == [401] * 6 + [429] * 2
    braked.apps = []
    assert not braked.brake.knows(KNOWN)


def test_what_v3_may_read_otherwise_is_never_taken_for_known() -> None:
    braked = Brake()
    assert not braked.brake.knows(TokenApp("key", "new-secret"))
    assert not braked.brake.knows(TokenApp("key", "", sure=True))
    braked.asks(TokenApp("other", "secret"), 200)
    assert not braked.brake.knows(TokenApp("other", "secret", sure=True))


def test_what_v3_did_not_judge_counts_for_nothing() -> None:
    braked = Brake()
    assert [braked.asks(guess(n), status) for n in range(10) for status in (None, 503)] == [None, 503] * 10
    assert [braked.asks(guess(n), 401) for n in range(7)] == [401] * 6 + [429]


def test_successes_of_a_known_app_give_a_stranger_no_new_guesses() -> None:
    braked = Brake()
    tried = 0
    for number in range(40):
        tried += braked.asks(guess(number), 401) == 401
        assert braked.asks(KNOWN, 200) == 200
    assert tried == 6


def test_what_is_known_is_bounded() -> None:
    braked = Brake()
    for number in range(5000):
        braked.asks(
            TokenApp(f"key {number}", "secret", sure=True), 200, f"192.0.{number % 250}.{number // 250}"
        )
    assert len(braked.brake._known) == 4096
