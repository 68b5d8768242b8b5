"""The old login on a shim that runs: forms are counted, shown, and retired one by one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from shim.cli.main import app
from tests.end_to_end.messages import ADMIN, GET_CLIENTS, envelope, namespace, request
from tests.end_to_end.running import PATIENCE, Backend, Shim, Tls, demo_integrations, running_shim
from tests.end_to_end.wire import answered, faulted, post

BY_KEY = {"app_key": "acme-old-key", "app_secret": "acme-old-secret"}
KEY_LOGIN = (
    f'<h:userCredentials xmlns:h="{namespace("HeaderData")}"><h:appKey>acme-old-key</h:appKey>'
    "<h:appSecret>acme-old-secret</h:appSecret></h:userCredentials>"
)
FORMS = {"acme": {"password": "refuse"}, "admin": {"password": "refuse", "refuse_from": "2999-01-01"}}


@pytest.fixture(scope="module")
def shim(backend: Backend, tls: Tls) -> Iterator[Shim]:
    entries = demo_integrations()
    for each in entries:
        each["login_forms"] = FORMS.get(each["name"], {})
        if each["name"] == "acme":
            each["old"] = {**each["old"], **BY_KEY}
    changes = {"integrations": entries, "login_forms": {"app_key": "warn"}, "deprecation.flush": 0.1}
    with running_shim(backend.url, tls, changes) as running:
        yield running


def by_key() -> bytes:
    return envelope(request("GetClientsRequest"), header=KEY_LOGIN)


def test_a_form_that_has_ended_is_refused_and_another_one_goes_on(shim: Shim) -> None:
    since = shim.mark
    fault = faulted(post(shim, GET_CLIENTS))
    assert fault.code == "100"
    assert "Logging in with user name and password has ended" in fault.text
    assert [code for code, _ in shim.found(since)] == ["old-login-refused"]
    since = shim.mark
    answered(post(shim, by_key()))
    assert ("old-login", "userCredentials/appKey") in shim.found(since)


def test_before_its_day_a_refusal_only_warns(shim: Shim) -> None:
    since = shim.mark
    answered(post(shim, envelope(request("GetClientsRequest"), login=ADMIN)))
    assert ("old-login", "userCredentials/password") in shim.found(since)


def test_which_forms_came_is_counted_and_shown(shim: Shim) -> None:
    post(shim, GET_CLIENTS)
    post(shim, by_key())
    config = str(shim.folder / "config.yaml")
    deadline = time.monotonic() + PATIENCE
    used: dict[str, int] = {}
    while set(used) != {"password", "app_key"}:
        done = CliRunner().invoke(app, ["integrations", "list", "-c", config, "--format", "json"])
        assert done.exit_code == 0, done.stderr
        [acme] = [each for each in json.loads(done.stdout)["integrations"] if each["name"] == "acme"]
        used = {each["form"]: each["calls"] for each in acme["used"]}
        assert time.monotonic() < deadline, used
    assert acme["login_forms"]["password"] == "refuse"
    assert min(used.values()) >= 1
    report = CliRunner().invoke(app, ["report", "acme", "-c", config])
    assert "password " in report.stdout
    assert "app key " in report.stdout
