"""One answer with the metrics of all workers."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from shim.edge.telemetry.metrics import Metrics
from shim.edge.workers.scrape import merged


def test_each_family_stands_once_and_each_series_says_whose_it_is() -> None:
    one, two = Metrics(), Metrics()
    one.count(one.calls, "acme", "Client.GetClients", "answer", by=3)
    two.count(two.calls, "acme", "Client.GetClients", "answer", by=4)
    two.call_seconds.observe(0.2)
    two.waiting.set(5)
    text = merged([("1", one.text()), ("2", two.text())]).decode()
    families = {each.name: each for each in text_string_to_metric_families(text)}
    found = {each.labels["worker"]: each.value for each in families["shim_calls"].samples}
    assert found == {"1": 3, "2": 4}
    waiting = families["shim_deprecation_waiting_calls"].samples
    assert {each.labels["worker"]: each.value for each in waiting} == {"1": 0, "2": 5}
    lines = [line for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(lines) == len(set(lines))
    counts = [each for each in families["shim_call_seconds"].samples if each.name.endswith("_count")]
    assert {each.labels["worker"]: each.value for each in counts} == {"1": 0, "2": 1}


def test_a_value_with_a_brace_keeps_it() -> None:
    text = b'# HELP x y\n# TYPE x gauge\nx{path="a{b}"} 1\nx 2\n'
    assert merged([("7", text)]).splitlines()[2:] == [b'x{worker="7",path="a{b}"} 1', b'x{worker="7"} 2']
