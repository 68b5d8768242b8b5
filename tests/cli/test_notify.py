"""shim notify: the program itself against real receivers, and a shim that tells of a stranger."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.cli.programs import Run, Started

ConfigFile = Callable[..., Path]
Got = tuple[dict[str, str], dict[str, Any]]


class Hook:
    """A webhook in a thread; `status` is what it answers."""

    def __init__(self) -> None:
        self.status = 200
        self.got: Queue[Got] = Queue()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # http.server calls it so
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.got.put(({name.lower(): value for name, value in self.headers.items()}, json.loads(body)))
                self.send_response(hook.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/secret-part-of-the-address"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.close()


def settings(hook: Hook, **more: Any) -> str:
    told = {"webhooks": [{"name": "ops", "url": hook.url, "secret": "key"}], "look": 0.1, **more}
    return f"notify: {json.dumps(told)}\n"


def test_a_test_reaches_every_receiver_or_says_why_not(shim: Run, config: ConfigFile, hook: Hook) -> None:
    mail = {"host": "127.0.0.1", "port": 9, "to": ["ops@example.com"]}
    file = config(settings(hook, mail=mail))
    done = shim("notify", "test", "-c", str(file), "--format", "json")
    assert done.returncode == 1
    taken, refused = json.loads(done.stdout)["receivers"]
    assert taken == {"receiver": "ops", "result": "taken", "problem": None}
    assert refused["receiver"] == "mail"
    assert "mail server" in refused["problem"]
    headers, told = hook.got.get(timeout=30)
    assert told["event"] == "test"
    assert headers["webhook-signature"].startswith("v1,")
    assert shim("notify", "test", "-c", str(file), "--receiver", "ops").returncode == 0
    hook.status = 404
    done = shim("notify", "test", "-c", str(file), "--receiver", "ops")
    assert done.returncode == 1
    assert "it answers HTTP 404" in done.stdout
    assert "secret-part" not in done.stdout + done.stderr


def test_nobody_to_tell_and_a_receiver_that_there_is_not(shim: Run, config: ConfigFile, hook: Hook) -> None:
    done = shim("notify", "test", "-c", str(config()))
    assert (done.returncode, "set notify.webhooks" in done.stderr) == (2, True)
    done = shim("notify", "test", "-c", str(config(settings(hook))), "--receiver", "opps")
    assert (done.returncode, "There are: ops." in done.stderr) == (2, True)


def test_settings_that_cannot_be_meant(shim: Run, config: ConfigFile, hook: Hook) -> None:
    for more, told in (
        ({"webhooks": [{"name": "mail", "url": hook.url}]}, "cannot be called mail"),
        ({"webhooks": [{"name": "a", "url": "ftp://x"}]}, "starts with http:// or https://"),
        ({"mail": {"host": "x"}}, "nobody is in to"),
        ({"mail": {"host": "x", "to": ["Ops <a@b>"]}}, "a mail address is name@host"),
        ({"mail": {"host": "x", "to": ["a@b"], "username": "u"}}, "username and password go together"),
        ({"digest_day": "moonday"}, "Did you mean monday?"),
    ):
        done = shim("notify", "list", "-c", str(config(settings(hook, **more))))
        assert (done.returncode, told in done.stderr) == (2, True), (more, done.stderr)


@pytest.mark.slow
def test_a_shim_tells_of_a_stranger_and_of_none_twice(
    start: Callable[..., Started], shim: Run, config: ConfigFile, hook: Hook, backend: str
) -> None:
    file = config(settings(hook) + "deprecation: {flush: 0.1}\n", backend=backend)
    hook.status = 503
    running = start("serve", "-c", str(file), "--log-format", "json", until="")
    assert running.process.stderr is not None
    started = next(json.loads(line) for line in running.process.stderr if '"started"' in line)
    threading.Thread(target=running.process.stderr.read, daemon=True).start()
    envelope = (
        '<E:Envelope xmlns:E="http://schemas.xmlsoap.org/soap/envelope/"><E:Header><userCredentials>'
        "<username>nobody</username><password>x</password></userCredentials></E:Header>"
        "<E:Body><GetClientsRequest/></E:Body></E:Envelope>"
    )
    url = f"http://{started['listeners']['http']}/soap2/client_agent.php"
    for _ in range(2):
        with pytest.raises(OSError, match="HTTP Error 500"):
            urlopen(Request(url, envelope.encode(), {"Content-Type": "text/xml", "User-Agent": "Forgotten/1"}))
    first, told = hook.got.get(timeout=60)
    assert (told["event"], told["facts"]) == (
        "unknown_caller",
        {"address": "127.0.0.1", "agent": "Forgotten/1"},
    )
    running.process.send_signal(signal.SIGKILL)
    running.process.wait(30)
    waiting = json.loads(shim("notify", "list", "-c", str(file), "--format", "json").stdout)["deliveries"]
    assert [(each["event"], each["state"]) for each in waiting] == [("unknown_caller", "waiting")]
    assert waiting[0]["notice"] == first["webhook-id"]
