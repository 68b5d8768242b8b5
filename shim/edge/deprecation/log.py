"""The deprecation log: what 2.5 calls are in use, what did not map cleanly, and who calls.

Laws: whoever tells the log something never waits for it and never hears an error; every call counts, findings
or not; nothing that was told is dropped in silence: what the store does not take goes to the spool, what the
spool does not take stays in memory, and what would make rows without end is counted under `MORE`. No value of
a message is ever kept, but a mask of a login that was refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy.engine import make_url

from shim.core.commands.backend import Call
from shim.core.errors import Fault
from shim.core.findings import Finding
from shim.core.inner import InnerCall
from shim.core.message import Element
from shim.core.schema.interface import Interface
from shim.edge.callers.refused import RefusedLogin
from shim.edge.deprecation.batch import Batch
from shim.edge.deprecation.closed import add_up
from shim.edge.deprecation.counting import UNKNOWN, Aggregator, WantedSample
from shim.edge.deprecation.delivery import BatchDelivery
from shim.edge.deprecation.exclusions import KeptOut
from shim.edge.deprecation.rollup import roll_up
from shim.edge.deprecation.samples import sample
from shim.edge.deprecation.spool import Spool
from shim.edge.deprecation.writer import forget_old, known
from shim.edge.settings.model import Config
from shim.edge.store.database import Store
from shim.edge.telemetry.metrics import Metrics

log = structlog.get_logger()

_MOST_KNOWN = 500_000
_A_DAY = timedelta(days=1)
_FIRST_LOOK, _NEXT_LOOK = 10.0, 300.0
"""Seconds from the start until it is seen whether there are days to be added up, and from then on."""


@dataclass(frozen=True, slots=True)
class SeenCall:
    """A 2.5 call that ended. `integration` is None for a caller that is not known, `fault` a fault's reason.

    `login` is what is told of one that was refused, `form` the form of one that was not.
    `request` and `sent` are what a sample is made of, if one is due: the message and the v3 calls it became;
    `unsent` v3 calls more were made than are in `sent`. `inner` are the calls that it holds, each of which is
    counted under its own operation; `findings` are without theirs.
    """

    integration: str | None
    operation: str | None
    findings: Iterable[Finding] = ()
    fault: str | None = None
    login: RefusedLogin | None = None
    form: str | None = None
    version: str | None = None
    agent: str = ""
    toolkit: str = ""
    address: str = ""
    seconds: float = 0.0
    request: Element | None = field(default=None, repr=False)
    sent: Sequence[Call] = field(default=(), repr=False)
    unsent: int = 0
    inner: Sequence[InnerCall] = field(default=(), repr=False)


class DeprecationLog:
    """The log of one process. `called`, `ported` and `add_findings` only count; a task of its own writes."""

    def __init__(
        self,
        store: Store,
        config: Config,
        old: Interface,
        new: Interface,
        metrics: Metrics | None = None,
    ) -> None:
        self._store = store
        self._settings = config.deprecation
        self._old = old
        self.speaks(new)
        self.metrics = metrics or Metrics()
        self.spool = Spool(spool_folder(config), self._settings.spool_bytes)
        self._counting = Aggregator(self._settings, store.now)
        self._delivery = BatchDelivery(store, self.spool, self._settings.patience, self.metrics)
        self.metrics.waiting.set_function(lambda: self._counting.waiting + self._delivery.held)
        self._ending = asyncio.Event()
        self._turn = asyncio.Lock()
        self._rolled_up: datetime | None = None
        self._task: asyncio.Task[None] | None = None
        self._adding_up: asyncio.Task[None] | None = None
        self.replace(config)

    def speaks(self, new: Interface) -> None:
        """Take samples of v3 calls by this interface, once it is known what the backend is spoken to in."""
        self._new = new
        self._operations = {*self._old.operations, *new.operations}

    def replace(self, config: Config) -> None:
        """Take over who is an integration, and who is kept out."""
        self._names = {each.name for each in config.integrations}
        self._kept_out = KeptOut(config.deprecation.keep_out, config.integrations)

    # ---- what is told ----

    def called(self, seen: SeenCall) -> None:
        """A 2.5 call ended."""
        self._guarded(self._called, seen)

    def ported(self, integration: str, operation: str, *, fault: bool) -> None:
        """A native v3 call passed through; `operation` is its full v3 name."""
        self._guarded(self._ported, integration, operation, fault)

    def add_findings(self, integration: str, operation: str, findings: Iterable[Finding]) -> None:
        """Findings that come outside a call, as from comparing."""
        self._guarded(self._add_findings, integration, operation, findings)

    def _called(self, seen: SeenCall) -> None:
        integration = self._integration(seen.integration)
        operation = self._operation(seen.operation)
        kept_out = self._kept_out(seen.integration, seen.agent, seen.address)
        self._measured(integration, operation, seen.fault, kept_out)
        for each in seen.inner:
            self._measured(integration, each.operation, each.fault, kept_out)
        self.metrics.call_seconds.observe(seen.seconds)
        if kept_out:
            return
        caller = (seen.agent, seen.toolkit, seen.version or "", seen.address)
        form = seen.form if integration != UNKNOWN else None
        self._counting.called(integration, operation, caller, fault=seen.fault, form=form)
        if seen.login is not None:
            whose = self._integration(seen.login.integration)
            unchecked = seen.fault == "login-throttled"
            self._counting.refused(whose, seen.login, seen.address, seen.agent, unchecked=unchecked)
        if findings := tuple(seen.findings):
            to_sample = WantedSample(seen.request, seen.sent, seen.unsent) if seen.request is not None else None
            self._count_findings(integration, operation, findings, to_sample)
        for each in seen.inner:
            self._counting.used(integration, each.operation, fault=each.fault)
            self._count_findings(integration, each.operation, each.findings, _to_sample(each, seen))

    def _measured(self, integration: str, operation: str, fault: str | None, kept_out: bool) -> None:
        result = "kept-out" if kept_out else "fault" if fault else "answer"
        self.metrics.calls.add((integration, operation, result))
        if fault:
            self.metrics.count(self.metrics.faults, fault)

    def _ported(self, integration: str, operation: str, fault: bool) -> None:
        integration, operation = self._integration(integration), self._operation(operation)
        self.metrics.count(self.metrics.ported, integration, operation, "fault" if fault else "answer")
        if not self._kept_out(integration, "", ""):
            self._counting.ported(integration, operation, fault=fault)

    def _add_findings(self, integration: str, operation: str, findings: Iterable[Finding]) -> None:
        if not self._kept_out(integration, "", ""):
            self._count_findings(self._integration(integration), self._operation(operation), findings, None)

    def _count_findings(
        self, integration: str, operation: str, findings: Iterable[Finding], to_sample: WantedSample | None
    ) -> None:
        listed = tuple(findings)
        if not listed:
            return
        self._counting.count_findings(integration, operation, listed, to_sample)
        for each in listed:
            self.metrics.count(self.metrics.findings, each.code, each.severity, by=each.count)

    def _integration(self, name: str | None) -> str:
        return name if name is not None and name in self._names else UNKNOWN

    def _operation(self, name: str | None) -> str:
        return name if name is not None and name in self._operations else "(none)"

    def _guarded(self, work: Callable[..., None], *arguments: object) -> None:
        try:
            work(*arguments)
        except Exception as error:  # noqa: BLE001  # a defect of the log must not become one of the call
            log.error("deprecation log failed", problem=type(error).__name__)

    # ---- what writes ----

    async def start(self) -> None:
        """Learn what the store knows already, and begin to write. A store that is down is no hindrance."""
        try:
            await forget_old(self._store)
            self._counting.learn(*await known(self._store, _MOST_KNOWN))
        except Fault as fault:
            log.error("deprecation log unavailable", reason=fault.reason)
        self._task = asyncio.create_task(self._writing())
        self._adding_up = asyncio.create_task(self._add_up())

    async def stop(self) -> None:
        """Write or spool what was told; says how much was lost if neither is possible."""
        self._ending.set()
        self._delivery.end()
        if self._adding_up is not None:
            self._adding_up.cancel()
            await asyncio.gather(self._adding_up, return_exceptions=True)
        if self._task is not None:
            await self._task
        await self.flush()
        await self._delivery.close(self._counting.waiting)

    async def flush(self) -> None:
        """Write what was told since the last time, and what is in the spool, if the store takes it."""
        async with self._turn:
            await self._delivery.turn(self._batch)

    async def _writing(self) -> None:
        while not self._ending.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), self._settings.flush)
            try:
                await self.flush()
                await self._roll_up()
            except Exception as error:  # noqa: BLE001  # what is not foreseen must not end the writing for good
                log.error("deprecation log failed", problem=type(error).__name__)

    async def _roll_up(self) -> None:
        """Once a day, and soon after the start: days that are long over become months."""
        now = self._store.now()
        if self._ending.is_set() or (self._rolled_up and now - self._rolled_up < _A_DAY):
            return
        self._rolled_up = now
        try:
            if moved := await roll_up(self._store, self._settings.days):
                log.info("use of days long over was added up by the month", rows=moved)
        except Fault as fault:  # it is tried again tomorrow
            log.warning("deprecation log not rolled up", reason=fault.reason)

    async def _add_up(self) -> None:
        """Soon after the start, and once a day: the sums of the days that are over. They may take seconds, for
        which the writing does not wait."""
        await asyncio.sleep(_FIRST_LOOK)
        while True:
            try:
                await add_up(self._store)
            except Fault as fault:  # the days are read meanwhile, and it is tried again
                log.warning("closed days not added up", reason=fault.reason)
            except Exception as error:  # noqa: BLE001  # what is not foreseen must not end it for good
                log.error("deprecation log failed", problem=type(error).__name__)
            await asyncio.sleep(_NEXT_LOOK)

    async def _batch(self) -> Batch:
        """The counts since the last time, with the samples that are due."""
        batch, samples = self._counting.take()
        for keys, each in samples:
            text = await asyncio.to_thread(self._sample, each)
            for key in keys:
                if text is not None and key in batch.findings:
                    batch.findings[key].sample, batch.findings[key].sample_at = text, batch.findings[key].last
        return batch

    def _sample(self, to_sample: WantedSample) -> str | None:
        try:
            return sample(self._old, self._new, to_sample.request, to_sample.sent, to_sample.unsent)
        except Exception as error:  # noqa: BLE001  # the finding counts without its sample
            log.error("deprecation sample failed", problem=type(error).__name__)
            return None


def _to_sample(inner: InnerCall, seen: SeenCall) -> WantedSample:
    """The parts of a sample of an inner call: its message, and its own v3 calls."""
    sent = seen.sent[inner.first : inner.last]
    last = len(seen.sent) + seen.unsent if inner.last is None else inner.last
    return WantedSample(inner.request, sent, last - inner.first - len(sent))


def spool_folder(config: Config) -> Path:
    """Where the spool is: as configured, else beside an SQLite file; `load_config` names it otherwise."""
    if config.deprecation.spool is not None:
        return config.deprecation.spool
    url = make_url(config.store.url.get_secret_value())
    database = str(url.database or ":memory:") if url.get_backend_name() == "sqlite" else ":elsewhere:"
    return Path("shim.spool" if database.startswith((":", "file:")) else f"{database}.spool")
