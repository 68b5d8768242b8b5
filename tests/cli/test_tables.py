"""Tables: what tells rows apart is never cut, whatever the width; what is left out is said."""

from __future__ import annotations

import pytest

from shim.cli.common.tables import Listing, fit, show, stacked, table

LONG = "Extension.GetExtensionPermissionsTemplate"
HEADS = ("integration", "operation", "becomes", "calls", "what changes")
ROWS = [
    (
        "a-rather-long-name-of-a-billing-system",
        LONG,
        "User.GetUserPermissionsTemplate",
        "12",
        "Much, and all of it",
    ),
    ("crm", "Client.GetClients", "Organization.GetOrganizations", "1", "little"),
]
NAMES = ("integration", "operation")


def shown(made: Listing, width: int, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> str:
    patch.setenv("COLUMNS", str(width))
    show(made)
    return capsys.readouterr().out


@pytest.mark.parametrize("width", range(20, 200, 12))
def test_names_are_whole_at_any_width(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = shown(table(HEADS, ROWS, names=NAMES, spare=("becomes",)), width, capsys, monkeypatch)
    for row in ROWS:
        assert any(row[0] in line and row[1] in line for line in told.splitlines()), told
    assert "…" not in told


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_no_line_is_wider_than_asked_where_there_is_room(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [(row[1], *row[2:]) for row in ROWS]
    told = shown(table(HEADS[1:], rows, spare=("becomes",)), width, capsys, monkeypatch)
    assert max(len(line.rstrip()) for line in told.splitlines()) <= width


def test_spare_columns_go_first_and_are_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "110")
    show(table(HEADS, ROWS, names=NAMES, spare=("becomes", "what changes")))
    told = capsys.readouterr()
    assert "User.GetUserPermissionsTemplate" not in told.out
    assert all(word in told.out for word in ("Much,", "all", "of it"))
    assert told.err == ("Left out for want of room: becomes. --format json, or a wider terminal, has all.\n")


def test_what_does_not_fit_is_stacked_and_loses_nothing() -> None:
    made = table(HEADS, ROWS, "All of it", names=NAMES)
    assert fit(made, 80) is None
    lines = list(stacked(made))
    assert lines[0] == "All of it"
    assert f"{ROWS[0][0]}  {LONG}" in lines
    assert "  becomes       User.GetUserPermissionsTemplate" in lines
    assert sum("calls" in line for line in lines) == 2


def test_cells_are_no_markup(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    told = shown(table(("[bold]name", "b"), [("[red]x[/red]", "[link]")], "[i]t"), 80, capsys, monkeypatch)
    for text in ("[bold]name", "[red]x[/red]", "[link]", "[i]t"):
        assert text in told


def test_wide_characters_count_as_two() -> None:
    made = table(("name", "b"), [("漢字" * 10, "x" * 10)])
    assert fit(made, 50) is None
    assert fit(made, 56) is not None
