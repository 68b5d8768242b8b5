"""Every toolkit leads the same life against the shim, and misses what its row in docs/clients.md says."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from shim.edge.http.toolkits import toolkit as told_apart
from shim.emulator.app import Options
from shim.interfaces.dialects import known
from tests.end_to_end.recorder import recorder
from tests.end_to_end.running import HOST, Backend, Shim, StartShim, Tls, running_shim
from tests.end_to_end.toolkits.life import Lived, fault_texts, read_facts, verdicts
from tests.end_to_end.toolkits.matrix import TOOLKITS, page_of
from tests.end_to_end.toolkits.row import Place, Toolkit
from tests.end_to_end.toolkits.wires import WIRES, written

pytestmark = [pytest.mark.clients, pytest.mark.slow]

PATIENCE = 120
each_toolkit = pytest.mark.parametrize("toolkit", TOOLKITS, ids=[each.key for each in TOOLKITS])


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where clients are built, once for all their tests."""
    return tmp_path_factory.mktemp("toolkits")


@pytest.fixture
def wanted(toolkit: Toolkit, shim: Shim, start_shim: StartShim) -> Shim:
    """A shim with the setting that an integration of the toolkit wants."""
    return start_shim(dict(toolkit.changes)) if toolkit.changes else shim


def version_of(toolkit: Toolkit) -> str:
    """What the toolkit says of itself. Skips where it is not installed; in CI that is a failure."""
    if shutil.which(toolkit.present[0]):
        done = subprocess.run(toolkit.present, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.strip()
    problem = f"{toolkit.title} is not installed: apt install {toolkit.packages}"
    if os.environ.get("CI"):
        pytest.fail(problem)
    pytest.skip(problem)


def facts_of(toolkit: Toolkit, place: Place, address: str, tag: str) -> dict[str, str]:
    """Let it lead the life, and take what it prints."""
    environment = {**os.environ, "PERL_HASH_SEED": "0", "LC_ALL": "C.UTF-8"}
    environment |= place.trusted
    command = [*toolkit.command(place), address, tag]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=environment,
        cwd=place.folder,
        timeout=PATIENCE,
        check=False,
    )
    facts = read_facts(done.stdout)
    assert facts, done.stdout + done.stderr
    return facts


@each_toolkit
def test_a_toolkit_leads_its_life(
    backend: Backend,
    wanted: Shim,
    folders: Path,
    toolkit: Toolkit,
    record_property: Callable[[str, object], None],
) -> None:
    record_property("version", version_of(toolkit))
    with recorder(wanted.http) as between, backend.watched() as calls:
        place = Place(f"http://{HOST}:{wanted.http}", folders)
        facts = facts_of(toolkit, place, f"http://{HOST}:{between.port}", f"{toolkit.key}-h")
    lived = Lived(facts, calls, between.exchanges)
    missed = verdicts(lived, toolkit.asked)
    assert set(missed) == set(toolkit.misses), missed
    if os.environ.get("RECORD_WIRES"):
        WIRES.mkdir(exist_ok=True)
        recorded = written(between.exchanges, between.port, f"{toolkit.key}-h")
        (WIRES / f"{toolkit.key}.http").write_bytes(recorded)
    posted = [each for each in between.exchanges if each.head.startswith(b"POST")]
    assert {told_apart(each.header("user-agent"), each.body) for each in posted} == {toolkit.page}


@each_toolkit
@pytest.mark.parametrize("version", known()[1:])
def test_a_toolkit_leads_its_life_on_a_later_v3(
    tls: Tls, folders: Path, version: str, toolkit: Toolkit
) -> None:
    version_of(toolkit)
    backend = Backend(Options(schema_version=version))
    changes = {**dict(toolkit.changes), "backend.schema_version": version}
    try:
        with (
            running_shim(backend.url, tls, changes) as wanted,
            recorder(wanted.http) as between,
            backend.watched() as calls,
        ):
            place = Place(f"http://{HOST}:{wanted.http}", folders)
            facts = facts_of(toolkit, place, f"http://{HOST}:{between.port}", f"{toolkit.key}-v")
    finally:
        backend.close()
    missed = verdicts(Lived(facts, calls, between.exchanges), toolkit.asked)
    assert set(missed) == set(toolkit.misses), missed


@pytest.mark.parametrize(
    "toolkit", [each for each in TOOLKITS if not each.tls], ids=[each.key for each in TOOLKITS if not each.tls]
)
def test_a_toolkit_leads_its_life_over_tls(
    backend: Backend, wanted: Shim, folders: Path, toolkit: Toolkit
) -> None:
    version_of(toolkit)
    with backend.watched() as calls:
        place = Place(f"http://{HOST}:{wanted.http}", folders, wanted.tls.authority)
        facts = facts_of(toolkit, place, f"https://{HOST}:{wanted.https}", f"{toolkit.key}-s")
    texts = {"fault", "password"}
    missed = verdicts(Lived(facts, calls, ()), set(toolkit.asked) - texts)
    assert set(missed) == set(toolkit.misses) - texts, missed


ALL_ELSE = {
    "faults.detail": True,
    "faults.layout": "number",
    "identity.four_digit_ids": True,
    "conduct.tell": {"http": True, "notices": True, "header": True},
}
"""What an integration may have set otherwise than by default, all of it at once."""


@each_toolkit
def test_a_toolkit_leads_its_life_with_every_setting_that_may_differ(
    backend: Backend, start_shim: StartShim, folders: Path, toolkit: Toolkit
) -> None:
    """Only the detail of a fault may cost it something, and only where its row says so."""
    version_of(toolkit)
    shim = start_shim({**toolkit.changes, **ALL_ELSE})
    with recorder(shim.http) as between, backend.watched() as calls:
        place = Place(f"http://{HOST}:{shim.http}", folders)
        facts = facts_of(toolkit, place, f"http://{HOST}:{between.port}", f"{toolkit.key}-e")
    missed = verdicts(Lived(facts, calls, between.exchanges), toolkit.asked)
    hidden = {"fault", "password"} if toolkit.hidden_by_detail == "always" else set()
    assert set(missed) == set(toolkit.misses) | hidden, missed


HIDDEN = [each for each in TOOLKITS if each.hidden_by_detail]


@pytest.mark.parametrize("toolkit", HIDDEN, ids=[each.key for each in HIDDEN])
def test_a_detail_hides_faults_from_a_toolkit(start_shim: StartShim, folders: Path, toolkit: Toolkit) -> None:
    """Why `faults.detail` is off by default: what these have of a fault that has one is not its text."""
    version_of(toolkit)
    shim = start_shim({"faults.detail": True})
    with recorder(shim.http) as between:
        place = Place(f"http://{HOST}:{shim.http}", folders)
        facts = facts_of(toolkit, place, f"http://{HOST}:{between.port}", f"{toolkit.key}-d")
    assert any(b"<detail" in each.answer for each in between.exchanges)
    assert not verdicts(Lived(facts, (), between.exchanges), ("lists", "empty"))
    texts = fault_texts(between.exchanges)
    for question in ("fault", "password"):
        said = facts.get(question) or facts[f"{question}!"]
        assert not any(said.startswith(text) for text in texts), said


PAGE = Path(__file__).parents[3] / "docs" / "clients.md"
MARK = "<!-- made by tests/end_to_end/real_clients/test_client_matrix.py from here on -->\n"


def test_the_page_of_clients_says_what_the_rows_say() -> None:
    written, mark, table = PAGE.read_text("utf-8").partition(MARK)
    assert mark
    if os.environ.get("RECORD_DOCS"):
        table = page_of(TOOLKITS)
        PAGE.write_text(written + mark + table, "utf-8")
    assert table == page_of(TOOLKITS), (
        "run RECORD_DOCS=1 make test ARGS=tests/end_to_end/real_clients/test_client_matrix.py"
    )
