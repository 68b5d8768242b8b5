"""Names of a stranger's choice are parsed in a thread that ends: lxml keeps them for as long as one lives."""

from __future__ import annotations

import subprocess
import sys

import pytest

from shim.core.reading.known_names import Familiar
from tests.hostile.shapes import enveloped

PLAIN = enveloped("<ID>7</ID>")


@pytest.mark.parametrize(
    "more",
    [
        *(
            "<a{}/>",
            "<p{}:a/>",
            "<p:a{}/>",
            "<a b{}=''/>",
            "<a\nb{} = ''/>",
            "<a b='x'c{}=''/>",
            "<a b{}:c=''/>",
        ),
        *(
            "<a xmlns='urn:{}'/>",
            "<a xmlns:p='urn:{}'/>",
            "<a xmlns:p{}='urn:p'/>",
            "<?a{} b?>",
            "&e{};",
            "</a{}>",
        ),
        *("<\u00e9{}/>", "<a b='&e{};'/>"),
    ],
)
def test_each_name_that_a_parser_keeps_is_seen(more: str) -> None:
    familiar = Familiar(("ID", "GetClientsRequest", "e", "b"), more=3)
    assert familiar(PLAIN)
    made = [enveloped(more.format(number)) for number in range(8)]
    assert not all(familiar(each) for each in made)
    assert not familiar(enveloped(more.format("x" * 300)))
    assert not Familiar(("ID",), more=0)(made[0])
    assert familiar(PLAIN), "and what was familiar stays so"


@pytest.mark.parametrize(
    "body",
    [
        PLAIN.decode().encode("utf-16"),
        PLAIN.decode().encode("utf-16-be"),
        b'<?xml version="1.0" encoding="shift_jis"?>' + PLAIN,
        b" " * 100 + PLAIN,
    ],
)
def test_what_cannot_be_read_here_is_not_familiar(body: bytes) -> None:
    assert not Familiar(("ID",))(body)


def test_a_familiar_message_may_be_in_the_usual_encodings() -> None:
    for declared in ("", '<?xml version="1.0"?>', '<?xml version="1.0" encoding="UTF-8"?>', "\ufeff"):
        assert Familiar(("ID",))(declared.encode() + PLAIN)


def test_blanks_are_kept_like_names() -> None:
    blanks = [f"{' ' * (number + 8)}{chr(9) * 9}" for number in range(8)]
    familiar = Familiar(("ID", "GetClientsRequest", "e", "a"), more=3)
    assert not all(familiar(enveloped(f"<a>{each}</a>")) for each in blanks)


_GROWS = """
import asyncio
from shim.core.parse import parse
from shim.core.pipeline import Request, Shim, exchange
from shim.core.commands.steps import Aside
from shim.edge.exchange.threads import Threads
from tests.hostile.shapes import enveloped, grouped
from tests.support.conversation import catalogue

shim, threads = Shim(catalogue()), Threads()

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

async def sent(number):
    body = enveloped(grouped(lambda n: f"<b{number}x{n:0240}/>", SIZE))
    command = next(exchange(shim, Request("/soap2/client_agent.php", "text/xml", body)))
    if isinstance(command, Aside):
        await threads.run(command.work)
    return len(body)

async def main():
    for number in range(WARM):
        await sent(number)
    before = resident()
    size = sum([await sent(number) for number in range(WARM, COUNT)])
    print(size, resident() - before)

asyncio.run(main())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux tells what memory a process has in use")
@pytest.mark.parametrize(("elements", "warm", "count"), [(3_500, 10, 80), (20, 300, 8_000)])
def test_names_that_never_came_before_do_not_fill_the_memory(elements: int, warm: int, count: int) -> None:
    code = f"SIZE, WARM, COUNT = {elements}, {warm}, {count}\n{_GROWS}"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, timeout=300)
    size, grown = map(int, done.stdout.split())
    assert size > 30_000_000
    assert grown < size / 4
