"""shim map: what the map has, and what becomes of it when the world changes behind the shim's back."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml
from typer.testing import Result

from shim.cli.common.listening import listening
from shim.cli.map import commands
from shim.cli.map.backend import View
from shim.cli.map.verify import compare
from shim.core.commands.extensions import Identity, Known
from shim.edge.identities.map import IdentityMap
from shim.edge.settings.model import Identities
from shim.edge.store.database import Store
from shim.emulator.app import Options, application
from shim.emulator.handlers.listing import Ways
from shim.emulator.world.seed import load_seed
from shim.emulator.world.world import ORGANIZATION, USER, EmulatedAccount, EmulatedExtension, World
from tests.cli.programs import Run

Shim = Callable[..., Result]
ConfigFile = Callable[..., Path]
HEAD = "old_id,extension_id,user_id,number,identifier\n"
EXPORTED = HEAD.replace("identifier", "identifier,gone_at,stands_for")


@pytest.fixture
def world() -> World:
    return load_seed()


@pytest.fixture
def emulator(world: World) -> Iterator[str]:
    """The URL of an emulator in this process, in a thread: its world can be changed between two commands."""
    started: list[str] = []
    up, loop, stop = threading.Event(), asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with listening(application(world, Options()), "127.0.0.1", 0) as url:
            started.append(url)
            up.set()
            await stop.wait()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert up.wait(10)
    yield started[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    structlog.reset_defaults()


@pytest.fixture
def file(config: ConfigFile, emulator: str, make_store: Callable[[Path], None]) -> Path:
    path = config(backend=emulator)
    make_store(path)
    return path


@pytest.fixture
def shim_map(invoke: Callable[..., Result], file: Path) -> Shim:
    def call(*args: str) -> Result:
        return invoke("map", args[0], "-c", str(file), *args[1:])

    return call


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Lets so much time pass that what v3 denies again ends."""
    hours = [0]
    monkeypatch.setattr(Store, "now", lambda self: datetime.now(UTC) + timedelta(hours=hours[0]))

    def pass_() -> None:
        hours[0] += 2

    return pass_


@pytest.fixture
def learned(shim_map: Shim) -> Shim:
    """All that acme sees is in the map."""
    done = shim_map("repair", "--yes")
    assert done.exit_code == 0, done.stderr
    return shim_map


def who_may_call(file: Path, *logins: str, secret: str = "") -> None:
    entries = "".join(
        f"- name: {login}\n  old: {{username: {login}, password: x}}\n"
        f"  new: {{app_key: {login}-key, app_secret: {secret or login + '-app-secret'}}}\n"
        for login in logins
    )
    (file.parent / "integrations.yaml").write_text(entries)


def rows(done: Result, name: str = "mismatches") -> list[dict[str, Any]]:
    assert done.exit_code in (0, 1), done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)[name]
    return found


def mismatches(shim_map: Shim, *args: str) -> set[tuple[str, str | None, str | None]]:
    found = rows(shim_map("verify", "--format", "json", *args))
    return {(each["mismatch"], each["number"], each["number_in_v3"]) for each in found}


def extensions(shim_map: Shim, *args: str) -> dict[str, dict[str, Any]]:
    found = rows(shim_map("show", "--format", "json", *args), "extensions")
    return {each["number"]: each for each in found}


def user(world: World, number: int, parent: int, login: str) -> EmulatedAccount:
    account = EmulatedAccount(
        number, USER, parent, f"identifier-{number}", datetime.now(UTC), {"login": login, "name": login}
    )
    world.enter(account)
    return account


def extension(world: World, number: str, owner: int) -> None:
    world.enter_extension(EmulatedExtension(number, owner, "term", "x", datetime.now(UTC)))


# ---- show, export, import ----


def test_show_what_was_learned(learned: Shim) -> None:
    shown = extensions(learned)
    assert shown["0020*003"] | {"created_at": 0, "seen_at": 0, "identifier": 0} == {
        "old_id": "32", "extension_id": "1000000002", "user_id": "32", "number": "0020*003", "identifier": 0,
        "state": "live", "origin": "discovered", "created_at": 0, "seen_at": 0, "unconfirmed_at": None,
        "gone_at": None,
    }  # fmt: skip
    assert len(shown) == 5
    for name in ("32", "0020*003", "1000000002"):
        assert list(extensions(learned, name)) == ["0020*003"]
    table = learned("show").stdout
    assert "0020*001" in table
    assert "extension id" in table
    [head, *lines] = csv.reader(io.StringIO(learned("show", "--format", "csv").stdout))
    assert head[:5] == HEAD.strip().split(",")
    assert len(lines) == 5


def test_show_what_there_is_not(learned: Shim) -> None:
    done = learned("show", "32", "4711")
    assert done.exit_code == 1
    assert "4711: the map does not have it." in done.stderr
    assert "0020*003" in done.stdout


def test_export_and_import_are_each_others_inverse(
    learned: Shim, invoke: Shim, config: ConfigFile, tmp_path: Path, make_store: Callable[[Path], None]
) -> None:
    out = tmp_path / "map.csv"
    assert learned("export", str(out)).exit_code == 0
    assert out.read_text() == learned("export", "-").stdout
    assert out.read_text().startswith(EXPORTED + "30,1000000000,30,0020*001,")
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "shim.yaml"
    other.write_text(config().read_text().replace("shim.db", "other.db"))
    (other.parent / "integrations.yaml").write_text("[]")
    make_store(other)
    done = invoke("map", "import", "-c", str(other), str(out), "--format", "json")
    assert done.exit_code == 0, done.stderr
    assert rows(done, "rows")[0] == {"what": "added", "count": "5", "rows": ""}
    again = invoke("map", "export", "-c", str(other), "-")
    without = [line.split(",")[:4] for line in again.stdout.splitlines()]
    assert without == [line.split(",")[:4] for line in out.read_text().splitlines()]


def test_import_tells_what_was_left_out(learned: Shim, tmp_path: Path) -> None:
    given = tmp_path / "given.csv"
    given.write_text("old_id,extension_id,user_id,number\n30,,30,0020*009\n31,,31,0020*002\n501,,35,0020*005\n")
    done = learned("import", str(given))
    assert done.exit_code == 1
    assert "left: differs" in done.stdout
    assert "replaced" in done.stdout
    assert "SQLite" in done.stderr
    assert extensions(learned)["0020*005"]["old_id"] == "501"
    [event] = rows(learned("show", "--events", "--format", "json"), "events")
    assert (event["kind"], event["old_id"]) == ("import-decided", "34")
    assert extensions(learned, "--gone")["0020*005"]["state"] == "live"
    [former] = rows(learned("show", "34", "--format", "json"), "extensions")
    assert former["state"] == "replaced"


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "old_id,user_id,number\nx,1,2\n", "\xff"])
def test_import_of_what_is_no_map(learned: Shim, tmp_path: Path, text: str) -> None:
    given = tmp_path / "given.csv"
    given.write_bytes(text.encode("latin-1"))
    done = learned("import", str(given))
    assert done.exit_code == 2
    assert str(given) in done.stderr
    assert len(extensions(learned)) == 5


def test_files_that_cannot_be_used(learned: Shim) -> None:
    for command in ("import", "export"):
        assert learned(command, "/nowhere/at/all.csv").exit_code == 2


@pytest.mark.slow
def test_import_reads_stdin(shim: Run, config: ConfigFile, make_store: Callable[[Path], None]) -> None:
    file = str(config())
    make_store(Path(file))
    done = shim("map", "import", "-c", file, "-", "--format", "csv", stdin=HEAD + "7,8,9,0020*001,\n")
    assert (done.returncode, done.stdout) == (0, "what,count,rows\nadded,1,\nsame,0,\nreplaced,0,\ngone,0,\n")
    assert shim("map", "export", "-c", file, "-").stdout == EXPORTED + "7,8,9,0020*001,,,\n"


# ---- verify and repair ----


def test_what_is_unknown_is_no_failure(shim_map: Shim) -> None:
    done = shim_map("verify", "--format", "json")
    assert done.exit_code == 0
    assert [each["mismatch"] for each in rows(done)] == ["unknown"] * 5
    assert "acme: 2 organizations were read with it." in done.stderr
    assert "30" not in done.stderr


def test_all_agrees(learned: Shim) -> None:
    done = learned("verify")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "The map says what v3 says." in done.stderr


def test_each_change_behind_the_shims_back(learned: Shim, world: World, later: Callable[[], None]) -> None:
    before = extensions(learned)
    extension(world, "0020*101", 30)  # a second extension
    world.drop_extension("0020*002")  # moved to another user
    extension(world, "0020*002", 30)
    world.leave(world.accounts[32])  # the user is gone
    world.drop_extension("0020*004")  # gone, and its user is there
    world.drop_extension("0020*005")  # has another number
    extension(world, "0020*105", 34)

    done = learned("verify")
    assert done.exit_code == 1
    assert "ask v3 for it" in done.stdout
    assert mismatches(learned) == {
        ("unknown", None, "0020*101"),
        ("moved", "0020*002", "0020*002"),
        ("user-gone", "0020*003", None),
        ("gone", "0020*004", None),
        ("renumbered", "0020*005", "0020*105"),
    }
    assert learned("repair", "--dry-run").stdout == done.stdout
    assert extensions(learned) == before

    for _ in range(2):
        done = learned("repair", "--yes")
        assert done.exit_code == 1
        assert "2 more are unconfirmed: v3 denies them." in done.stderr
        assert {each["number"] for each in extensions(learned, "--unconfirmed").values()} == {
            "0020*003",
            "0020*004",
        }
    assert "0 were mended, 0 are left." in done.stderr
    later()
    assert learned("repair", "--yes").exit_code == 0
    assert learned("verify").stdout == ""
    after = extensions(learned)
    assert {number: each["user_id"] for number, each in after.items()} == {
        "0020*001": "30", "0020*002": "30", "0020*101": "30", "0020*105": "34",
    }  # fmt: skip
    assert after["0020*002"]["old_id"] == "31"
    assert after["0020*105"]["extension_id"] == before["0020*005"]["extension_id"]
    assert int(after["0020*101"]["old_id"]) >= 1_000_000_000
    assert extensions(learned, "--gone")["0020*003"]["gone_at"]
    assert extensions(learned, "0020*003")["0020*003"]["gone_at"]
    events = rows(learned("show", "--events", "--format", "json"), "events")
    assert [each["kind"] for each in events] == ["renumbered", "moved", "ended", "ended"]


def test_what_lists_leave_out_is_asked_for_and_confirmed(learned: Shim, world: World) -> None:
    before = extensions(learned)
    for lie in ("empty", "short"):
        world.interfere("Extension.GetExtensions", f"list:{lie}")
        learned("repair", "--yes")
        world.faults.clear()
        assert {number: each["old_id"] for number, each in extensions(learned).items()} == {
            number: each["old_id"] for number, each in before.items()
        }
        assert extensions(learned, "--unconfirmed") == {}
    assert learned("verify").exit_code == 0


def test_one_that_returns_has_its_ids_again(learned: Shim, world: World, later: Callable[[], None]) -> None:
    before = extensions(learned)["0020*004"]
    was = world.extensions["0020*004"]
    world.drop_extension("0020*004")
    learned("repair", "--yes")
    later()
    learned("repair", "--yes")
    assert extensions(learned, "0020*004")["0020*004"]["state"] == "gone"
    world.enter_extension(was)
    assert learned("repair", "--yes").exit_code == 0
    after = extensions(learned)["0020*004"]
    assert (after["old_id"], after["extension_id"]) == (before["old_id"], before["extension_id"])


def test_a_world_of_direct_lists_and_own_identifiers(shim_map: Shim, world: World) -> None:
    world.ways = Ways("direct", "extension", "bare")
    assert shim_map("repair", "--yes").exit_code == 0
    assert {each["old_id"] for each in extensions(shim_map).values()} == {"30", "31", "32", "33", "34"}
    assert shim_map("verify").exit_code == 0


def test_what_is_not_in_sight_is_not_gone(learned: Shim, world: World, file: Path) -> None:
    who_may_call(file, "fabrikam")
    assert {kind for kind, *_ in mismatches(learned)} == {"unseen"}
    done = learned("repair", "--yes")
    assert done.exit_code == 1
    assert "0 were mended, 5 are left." in done.stderr
    assert len(extensions(learned)) == 5
    alone = learned("verify", "--integration", "fabrikam")
    assert alone.exit_code == 0
    assert "5 extensions of the map are not in its sight" in alone.stderr


def test_a_whole_organization_is_gone(learned: Shim, world: World, later: Callable[[], None]) -> None:
    world.leave(world.accounts[20])
    assert {kind for kind, *_ in mismatches(learned)} == {"unseen"}
    assert learned("repair", "--yes", "--unseen").exit_code == 1
    assert len(extensions(learned)) == 5
    later()
    assert learned("repair", "--yes", "--unseen").exit_code == 0
    assert extensions(learned) == {}


def test_unseen_needs_everybody(learned: Shim, world: World, file: Path) -> None:
    assert learned("repair", "--unseen", "--integration", "acme").exit_code == 2
    who_may_call(file, "fabrikam", "gone")
    done = learned("repair", "--yes", "--unseen")
    assert done.exit_code == 1
    assert "integration 'gone'" in done.stderr
    assert "what is not in sight is not asked for" in done.stderr
    assert len(extensions(learned)) == 5


def test_organizations_are_read_once_with_whoever_sees_most(learned: Shim, world: World, file: Path) -> None:
    account = EmulatedAccount(22, ORGANIZATION, 11, "of-fabrikam", datetime.now(UTC), {"login": "customer"})
    world.enter(account)
    who_may_call(file, "nw001", "northwind", "acme", "admin")
    world.calls.clear()
    done = learned("verify")
    assert done.exit_code == 0, done.stdout
    assert "admin: 3 organizations" in done.stderr
    assert "acme:" not in done.stderr
    asked = [(each.operation, each.request.get("parentID")) for each in world.calls]
    lists = [(name, parent) for name in ("Extension.GetExtensions", "User.GetUsers") for parent in _READ]
    assert sorted(asked, key=str) == sorted(
        [*lists, *[("Organization.GetOrganizations", None)] * 4, _ABOVE], key=str
    )


_ABOVE = ("ServiceProvider.GetServiceProviders", None)  # the login that sees no organization
_READ = ("20", "21", "22", None)


def test_an_organization_that_cannot_be_read(learned: Shim, world: World) -> None:
    world.interfere("User.GetUsers", "fault:500")
    world.interfere("User.GetUsers", "fault:500")
    done = learned("verify", "--format", "json")
    assert done.exit_code == 1
    assert "Organization 20 cannot be read" in done.stderr
    assert {each["mismatch"] for each in rows(done)} == {"unseen"}


def test_what_is_there_again_is_not_given_up(
    learned: Shim, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.drop_extension("0020*004")

    def confirm(yes: bool, count: int) -> None:
        extension(world, "0020*004", 33)

    monkeypatch.setattr(commands, "_confirm", confirm)
    done = learned("repair")
    assert done.exit_code == 1
    assert "0 were mended, 1 are left." in done.stderr
    assert learned("verify").exit_code == 0


def test_users_without_identifiers_are_asked_for(shim_map: Shim, world: World) -> None:
    first, second = user(world, 40, 21, "co001"), user(world, 41, 21, "co002")
    first.identifier = second.identifier = "both"
    extension(world, "0021*001", 40)
    extension(world, "0021*002", 41)
    found = rows(shim_map("verify", "--format", "json"))
    assert {each["number_in_v3"]: each["user_in_v3"] for each in found if "0021" in each["number_in_v3"]} == {
        "0021*001": "40", "0021*002": "41",
    }  # fmt: skip


@pytest.mark.parametrize(("flags", "exit_code"), [((), 0), (("--live",), 1)])
def test_a_map_restored_without_its_gone_extensions_is_noticed(
    learned: Shim,
    invoke: Shim,
    world: World,
    file: Path,
    flags: tuple[str, ...],
    exit_code: int,
    later: Callable[[], None],
    make_store: Callable[[Path], None],
) -> None:
    world.drop_extension("0020*002")
    assert learned("repair", "--yes").exit_code == 1
    later()
    assert learned("repair", "--yes").exit_code == 0
    text = learned("export", "-", *flags).stdout
    settings = yaml.safe_load(file.read_text())
    settings["store"] = {"url": f"sqlite+aiosqlite:///{file.parent / 'restored.db'}"}
    other = file.with_name("restored.yaml")
    other.write_text(yaml.safe_dump(settings))
    make_store(other)
    saved = file.with_name("map.csv")
    saved.write_text(text)

    def restored(*args: str) -> Result:
        return invoke("map", args[0], "-c", str(other), *args[1:])

    done = restored("import", str(saved), "--format", "json")
    assert {each["what"]: each["count"] for each in rows(done, "rows")}["gone"] == str(
        len(text.splitlines()) - 5
    )
    done = restored("verify", "--format", "json")
    assert done.exit_code == exit_code
    assert [(each["mismatch"], each["old_id"]) for each in rows(done)] == [
        ("issuable", "1000000000-1000000004")
    ] * exit_code
    assert restored("repair", "--yes").exit_code == 0
    assert restored("verify").exit_code == 0


def test_repair_asks_first(
    learned: Shim, world: World, monkeypatch: pytest.MonkeyPatch, invoke: Shim, file: Path
) -> None:
    extension(world, "0020*104", 33)
    done = learned("repair")
    assert done.exit_code == 2
    assert "--yes" in done.stderr
    monkeypatch.setattr(commands, "_on_terminal", lambda: True)
    done = invoke("map", "repair", "-c", str(file), stdin="n\n")
    assert done.exit_code == 1
    assert "Nothing was changed." in done.stderr
    assert "Mend 1?" not in done.stdout
    assert invoke("map", "repair", "-c", str(file), stdin="").exit_code == 130
    assert len(extensions(learned)) == 5
    assert invoke("map", "repair", "-c", str(file), stdin="y\n").exit_code == 0
    assert len(extensions(learned)) == 6


def test_progress_is_told_on_a_terminal(learned: Shim, monkeypatch: pytest.MonkeyPatch) -> None:
    from shim.cli.map import open as map_open

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    with monkeypatch.context() as patch:
        patch.setattr("sys.stderr", terminal)
        patch.setenv("TERM", "xterm")
        with map_open.progress() as advance:
            advance(1, 2)
    assert "1/2" in terminal.getvalue()


# ---- exit codes ----


def test_whose_fault_it_is(shim_map: Shim, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shim_map("verify", "--integration", "nobody").exit_code == 2
    who_may_call(file, "acme", secret="another")
    done = shim_map("verify")
    assert done.exit_code == 4
    assert "another" not in done.stderr
    who_may_call(file)
    (file.parent / "integrations.yaml").write_text("[]")
    assert shim_map("verify").exit_code == 2
    monkeypatch.setenv("SHIM_STORE__URL", "sqlite+aiosqlite:////nowhere/at/all.db")
    done = shim_map("show")
    assert done.exit_code == 2
    assert "store" in done.stderr


@pytest.mark.slow
def test_no_backend_ends_with_3(shim: Run, config: ConfigFile, make_store: Callable[[Path], None]) -> None:
    file = config()
    make_store(file)
    done = shim("map", "verify", "-c", str(file))
    assert done.returncode == 3
    assert "cannot be reached" in done.stderr
    assert done.stdout == ""


# ---- the comparison alone ----


def identity(user_id: int, number: str, identifier: str | None = None) -> Identity:
    return Identity(str(user_id), f"9{user_id}", str(user_id), number, identifier)


def test_an_organization_that_was_renumbered_keeps_every_id() -> None:
    view = View(users=dict.fromkeys(("30",)), prefixes={})  # type: ignore[arg-type]
    for local in ("001", "002", "003"):
        view.extensions[f"0050*{local}"] = Known("30", f"0050*{local}")
    found = compare([identity(30, "0020*002"), identity(30, "0020*001")], view)
    assert [
        (each.kind, each.known and each.known.number, each.seen and each.seen.number) for each in found
    ] == [
        ("renumbered", "0020*002", "0050*002"),
        ("renumbered", "0020*001", "0050*001"),
        ("unknown", None, "0050*003"),
    ]


def test_another_identifier_of_the_same_user() -> None:
    view = View(extensions={"1": Known("30", "1", "new"), "2": Known("31", "2", "new"), "3": Known("32", "3")})
    found = compare([identity(30, "1", "old"), identity(31, "2"), identity(32, "3", "old")], view)
    assert [(each.kind, each.seen and each.seen.number) for each in found] == [("identifier", "1")]


async def test_many_are_repaired_in_pieces(tmp_path: Path) -> None:
    from shim.cli.map.verify import Mismatch, Repaired, repair

    store = await Store.open(f"sqlite:///{tmp_path}/shim.db")
    identities = IdentityMap(store, Identities())
    seen = [Known(str(number), f"0020*{number}") for number in range(1, 2500)]
    found = [Mismatch("unknown", None, each) for each in seen]
    assert await repair(identities, None, View(), found) == Repaired(2499, [])  # type: ignore[arg-type]
    assert len([each async for each in identities.export()]) == 2499
    await store.close()
