"""Makes one old call after another with zeep, shows what became of each, and judges the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import zeep
from zeep.exceptions import Fault
from zeep.helpers import serialize_object

from shim.cli.demo.events import Observer
from shim.emulator.world.world import SeenRequest
from shim.interfaces.load import old

_Client: Any = zeep.Client  # zeep has no types
_plainly: Any = serialize_object

DemoAnswer = dict[str, Any]
Expect = Callable[[DemoAnswer], str | None]
"""Judges an answer: None if it is as expected, else what is wrong."""

TEXT = "_value_1"
"""The name that zeep has for the text of an element with attributes."""

_SECRET = "***"  # noqa: S105  # what stands for one


class Stopped(Exception):
    """A call failed that the next ones build on."""


@dataclass(slots=True)
class Tally:
    """The events so far."""

    steps: int = 0
    failed: list[str] = field(default_factory=list)
    calls: int = 0
    findings: Counter[str] = field(default_factory=Counter)


class Guide:
    """One tour. `say` takes the lines of the report; when `stop` is set, the next call raises Stopped."""

    def __init__(self, base: str, observer: Observer, say: Callable[[str], None], stop: Event) -> None:
        self._client = _Client(f"{base}/soap2/schema/latest/voipnowservice-all.wsdl")
        self._observer = observer
        self._say = say
        self._stop = stop
        self.tally = Tally()

    def call(
        self,
        login: tuple[str, str],
        name: str,
        expect: Expect,
        /,
        *,
        fault: str | None = None,
        **fields: Any,
    ) -> DemoAnswer:
        """Make a call as a login; `fault` is the code of the fault that is expected instead of an answer.

        Raises Stopped when there is no answer to go on with.
        """
        if self._stop.is_set():
            raise Stopped
        mark = self._observer.mark()
        answer, failure = self._ask(login, name, fields)
        wrong = _judged(answer, failure, expect, fault)
        note = f" (has to be refused with code {fault})" if fault else ""
        self._tell(f"{login[0]}: {name} {_shown(fields)}{note}", wrong)
        for seen in self._observer.calls_since(mark):
            self._tell_call(seen)
        for finding in self._observer.findings_since(mark):
            self._tell_finding(finding)
        if failure and not fault:
            raise Stopped
        return answer

    def close(self) -> None:
        self._client.transport.session.close()

    def _ask(self, login: tuple[str, str], name: str, fields: DemoAnswer) -> tuple[DemoAnswer, str | None]:
        service, operation = name.split(".")
        facts = old().services[service]
        credentials = self._client.get_element(f"{{{old().namespace('HeaderData')}}}userCredentials")
        try:
            proxy = self._client.bind(facts.service, facts.port)  # at the address that the WSDL gives
            header = credentials(username=login[0], password=login[1])
            answer = proxy[operation](**fields, _soapheaders=[header])
        except Fault as fault:
            return {}, str(fault.message)
        except Exception as error:  # noqa: BLE001  # whatever a client runs into is a failed step
            return {}, f"{type(error).__name__}: {error}"
        return _plain(answer), None

    def _tell(self, what: str, wrong: str | None) -> None:
        self.tally.steps += 1
        self._say(f"{self.tally.steps:3}. {'FAILED' if wrong else 'worked'}  {what}")
        if wrong:
            self.tally.failed.append(f"{self.tally.steps}. {what}: {wrong}")
            self._say(f"       {wrong}")

    def _tell_call(self, seen: SeenRequest) -> None:
        self.tally.calls += 1
        ended = "" if seen.outcome == "ok" else f": fault {seen.outcome or 'without a code'}"
        leaves = [(path, text) for path, text in seen.request.leaves() if text]
        self._say(f"       v3 call  {seen.operation} {_joined(leaves)}{ended}")

    def _tell_finding(self, finding: MutableMapping[str, Any]) -> None:
        self.tally.findings[finding["code"]] += 1
        self._say(
            f"       finding  {finding['severity']}: {finding['code']} {finding['path']}: {finding['because']}"
        )


def _judged(answer: DemoAnswer, failure: str | None, expect: Expect, fault: str | None) -> str | None:
    if fault:
        as_expected = failure is not None and f"code {fault}" in failure
        return None if as_expected else f"no fault with code {fault}, but {failure or 'an answer'}"
    return failure or expect(answer)


def _plain(answer: Any) -> DemoAnswer:
    plain = _plainly(answer, dict)
    if isinstance(plain, dict) and set(plain) == {"header", "body"}:
        plain = plain["body"]
    return plain if isinstance(plain, dict) else {"value": plain}


def _shown(fields: DemoAnswer) -> str:
    return _joined(_leaves(fields))


def _leaves(fields: DemoAnswer, prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        if isinstance(value, dict) and TEXT in value:
            yield prefix + name, "unlimited" if value.get("unlimited") else str(value[TEXT])
        elif isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}/")
        else:
            yield prefix + name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _joined(leaves: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> str:
    parameters = (f"{path}={_SECRET if 'password' in path.lower() else text}" for path, text in leaves)
    return "{" + ", ".join(parameters) + "}"
