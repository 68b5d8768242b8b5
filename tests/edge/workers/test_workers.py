"""Several workers on one port, as processes: they serve, are counted, started again, and replaced in turn."""

from __future__ import annotations

import http.client
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.end_to_end.messages import NORTHWIND, envelope
from tests.end_to_end.running import HOST, PATIENCE, Backend, Shim, Tls, make_tls, running_shim

pytest_plugins = ["tests.support.postgres"]
pytestmark = pytest.mark.slow

MESSAGE = envelope("<GetClientsRequest/>", login=NORTHWIND)
PATH = "/soap2/client_agent.php"


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    one = Backend()
    yield one
    one.close()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return make_tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def shim(postgres: Callable[[], str], backend: Backend, tls: Tls) -> Iterator[Shim]:
    changes = {
        "listen.workers": 2,
        "listen.drain": 0,
        "listen.max_connections_per_address": 200,
        "store.url": postgres(),
    }
    with running_shim(backend.url, tls, changes) as one:
        one.said("workers serve")
        yield one


def get(port: int, path: str) -> str:
    with closing(http.client.HTTPConnection(HOST, port, timeout=PATIENCE)) as wire:
        wire.request("GET", path)
        return wire.getresponse().read().decode()


def call(port: int) -> int:
    """The status of one call on a connection of its own."""
    with closing(http.client.HTTPConnection(HOST, port, timeout=PATIENCE)) as wire:
        wire.request("POST", PATH, MESSAGE, {"Content-Type": "text/xml; charset=utf-8"})
        response = wire.getresponse()
        response.read()
        return response.status


def workers(shim: Shim) -> set[int]:
    assert shim.process.pid is not None
    return {each.pid for each in psutil.Process(shim.process.pid).children()}


def until(what: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)
    return found


def calls_by_worker(shim: Shim) -> dict[str, float]:
    families = text_string_to_metric_families(get(shim.admin, "/metrics"))
    samples = [each for family in families for each in family.samples if each.name == "shim_calls_total"]
    found: dict[str, float] = {}
    for each in samples:
        found[each.labels["worker"]] = found.get(each.labels["worker"], 0) + each.value
    return found


class Calling:
    """Calls in the background, each on a new connection; `problems` has what was not answered well."""

    def __init__(self, port: int) -> None:
        self.problems: list[object] = []
        self.count = 0
        self._port = port
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(4)]

    def __enter__(self) -> Calling:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for each in self._threads:
            each.join()

    def _run(self) -> None:
        while not self._end.is_set():
            try:
                status = call(self._port)
            except (OSError, http.client.HTTPException) as error:
                self.problems.append(repr(error))
            else:
                self.count += 1
                if status != 200:
                    self.problems.append(status)


def test_two_workers_serve_one_port_and_one_scrape_counts_the_calls_of_both(shim: Shim) -> None:
    assert len(workers(shim)) == 2
    many = 40
    threads = [threading.Thread(target=lambda: [call(shim.http) for _ in range(5)]) for _ in range(many // 5)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    counted = calls_by_worker(shim)
    assert sum(counted.values()) == many
    text = get(shim.admin, "/metrics")
    assert {'process_resident_memory_bytes{worker="1"}', 'process_resident_memory_bytes{worker="2"}'} <= {
        line.partition(" ")[0] for line in text.splitlines()
    }
    assert text.count("# TYPE shim_calls_total ") <= 1


def test_the_status_names_the_parent_which_signals_go_to(shim: Shim) -> None:
    assert f'"pid": {shim.process.pid}' in get(shim.admin, "/status")
    assert '"workers": 2' in get(shim.admin, "/status")


def test_a_worker_that_is_killed_is_started_again_and_the_other_goes_on(shim: Shim) -> None:
    before = workers(shim)
    one = min(before)
    with Calling(shim.http) as calling:
        os.kill(one, signal.SIGKILL)
        lost = shim.said("a worker ended", pid=one)
        assert lost["code"] == -signal.SIGKILL
        until(lambda: len(workers(shim)) == 2 and one not in workers(shim))
        reached = calling.count
        until(lambda: calling.count > reached + 10)
    assert len(calling.problems) <= 4  # those that the killed one was answering
    assert workers(shim) - before


def test_a_live_setting_is_taken_over_by_every_worker_without_a_new_one(shim: Shim) -> None:
    before, since = workers(shim), shim.mark
    shim.configure(listen={**shim.settings["listen"], "body_timeout": 17})
    shim.signal(signal.SIGHUP)
    until(lambda: len([e for e in shim.events[since:] if e["event"] == "configuration reread"]) == 2)
    assert workers(shim) == before
    assert '"changed": ["listen.body_timeout"]' in get(shim.admin, "/status")


def test_for_other_settings_workers_are_started_anew_in_turn_and_no_connection_is_refused(shim: Shim) -> None:
    before, since = workers(shim), shim.mark
    with Calling(shim.http) as calling:
        until(lambda: calling.count > 5)
        shim.configure(journal={"keep": 1234})
        shim.signal(signal.SIGHUP)
        shim.said("workers were started anew", since=since)
        until(lambda: len(workers(shim)) == 2 and not workers(shim) & before)
        reached = calling.count
        until(lambda: calling.count > reached + 5)
    assert calling.problems == []
    until(lambda: '"number": 2' in get(shim.admin, "/status"))
    assert '"changed": ["journal.keep"]' in get(shim.admin, "/status")


def test_a_configuration_that_cannot_be_meant_changes_nothing(shim: Shim) -> None:
    before, since = workers(shim), shim.mark
    shim.write("listen: {port: nonsense}")
    shim.signal(signal.SIGHUP)
    until(lambda: len([e for e in shim.events[since:] if "configuration not reread" in e["event"]]) == 2)
    assert workers(shim) == before
    assert call(shim.http) == 200


def test_sigterm_ends_all_and_the_parent_last(shim: Shim) -> None:
    children = [psutil.Process(pid) for pid in workers(shim)]
    shim.signal(signal.SIGTERM)
    assert shim.wait() == 0
    assert not any(each.is_running() for each in children)


def test_workers_end_with_a_parent_that_was_killed(shim: Shim) -> None:
    children = [psutil.Process(pid) for pid in workers(shim)]
    shim.signal(signal.SIGKILL)
    gone, alive = psutil.wait_procs(children, timeout=PATIENCE)
    assert len(gone) == 2
    assert alive == []


def test_several_workers_on_sqlite_are_refused_with_the_reason(backend: Backend, tls: Tls) -> None:
    with (
        pytest.raises(AssertionError) as told,
        running_shim(backend.url, tls, {"listen.workers": 2}),
    ):
        pass
    assert "listen.workers: SQLite has one writer" in str(told.value)
    assert "let store.url be PostgreSQL" in str(told.value)
