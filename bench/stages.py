"""Where the time of a translated call goes, word by word, in one process without a network.

Of operations that become one v3 call of the same service; it says so of any other.

python -m bench.stages [OPERATION...]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

from bench.wire import call_of
from shim.core.commands.backend import Answer
from shim.core.commands.caller import Caller
from shim.core.context import CallContext
from shim.core.message import Element
from shim.core.parse import parse, parse_answer
from shim.core.pipeline import Request, Shim, exchange
from shim.core.reading.request import read
from shim.edge.catalogue import catalogue
from shim.interfaces.load import old

_TIMES = 400


def microseconds(function: Callable[[], object]) -> float:
    """The best of five, microseconds a run."""
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(_TIMES):
            function()
        best = min(best, time.perf_counter() - began)
    return best / _TIMES * 1e6


def print_stages(names: Sequence[str]) -> None:
    words = ("parse", "read", "translate", "write new", "parse answer", "translate back", "serialise", "all")
    print("microseconds a call in the core" + "".join(f"{word:>15}" for word in words))
    for name in names:
        try:
            call_of(name)
        except ValueError as error:
            print(error)
            continue
        print(f"{name:31}" + "".join(f"{value:15.0f}" for value in _stages(name)))


def _stages(name: str) -> list[float]:
    old_call, new_call = call_of(name)
    compiled = catalogue()
    translation = compiled.translations[name]
    writer = compiled.new_writer(translation.new)
    caller = Caller("bench")

    def context() -> CallContext:
        return CallContext(compiled, request, caller)

    request = parse(old_call.request).body
    new_request = translation.to_new(context())
    answer = parse_answer(new_call.answer).body
    back = translation.to_old(answer, context())
    header = Element("userCredentials", children=[Element("accessToken", "t")])
    return [
        microseconds(lambda: parse(old_call.request)),
        microseconds(lambda: read(request, translation.old.input.complex, context())),
        microseconds(lambda: translation.to_new(context())),
        microseconds(lambda: writer.envelope(writer.write(new_request)[0], header)),
        microseconds(lambda: parse_answer(new_call.answer)),
        microseconds(lambda: translation.to_old(answer, context())),
        microseconds(lambda: translation.old_writer.envelope(translation.old_writer.write(back)[0], header)),
        microseconds(whole(Shim(compiled), name, old_call.request, new_call.answer)),
    ]


def whole(shim: Shim, name: str, request: bytes, answer: bytes) -> Callable[[], object]:
    """Runs a whole exchange, and gives its outcome."""
    endpoint = old().services[name.partition(".")[0]].endpoint
    incoming, told, caller = (
        Request(endpoint, "text/xml", request),
        Answer(200, "text/xml", answer),
        Caller("b"),
    )

    def run() -> object:
        under_way = exchange(shim, incoming)
        command: object = next(under_way)
        reply: object = caller
        try:
            while True:
                command = under_way.send(reply)
                envelope = getattr(command, "envelope", None)
                reply = None if envelope is None else told
                if envelope is not None:
                    envelope("token")
        except StopIteration as stop:
            return stop.value

    return run


if __name__ == "__main__":
    print_stages(sys.argv[1:] or ("Reseller.GetResellerDetails", "Reseller.AddReseller", "Client.SetClientPL"))
