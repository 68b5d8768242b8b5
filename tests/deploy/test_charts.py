"""Compose and Helm: rendered by the real helm, judged by the published schemas, and read by the shim itself."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from shim.edge.settings.load import Config, load_config
from tests.deploy.test_alerts import ROOT

JUDGES = ROOT / "build" / "judges"
CHART = ROOT / "deploy" / "helm" / "systemapi-shim"
COMPOSE = ROOT / "deploy" / "compose"
BACKEND = "config.backend.url=https://voipnow.example.com"
SECRET = "existingSecret=shim-secrets"
IN_CLEAR = "config.store.url=postgresql://shim:s@db/shim"
EVERYTHING = (BACKEND, SECRET, "autoscaling.enabled=true", "ingress.enabled=true")
Object = dict[str, Any]


def judge(name: str) -> Path:
    found = JUDGES / name
    if not found.exists():
        assert not os.environ.get("CI"), f"{name} is missing: deploy/judges.sh"
        pytest.skip(f"{found} is not there: deploy/judges.sh")
    return found


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(judge("helm")), *arguments], capture_output=True, text=True, timeout=120, check=False
    )


def rendered(*values: str) -> dict[str, Object]:
    """What the chart makes, by kind and name."""
    flags = [part for each in values for part in ("--set", each)]
    done = helm("template", "night", str(CHART), "--kube-version", "1.29.0", *flags)
    assert done.returncode == 0, done.stderr
    found = [each for each in yaml.safe_load_all(done.stdout) if each]
    return {f"{each['kind']} {each['metadata']['name']}": each for each in found}


# ---- helm ----


def test_helm_finds_nothing_to_complain_of() -> None:
    done = helm("lint", "--strict", str(CHART), "--set", BACKEND, "--set", SECRET)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", ["1.29", "1.34"])
@pytest.mark.parametrize("values", [(BACKEND, IN_CLEAR), EVERYTHING], ids=["plain", "everything"])
def test_kubernetes_knows_every_field(values: tuple[str, ...], version: str) -> None:
    for each in rendered(*values).values():
        kubernetes_validate.validate(each, version, strict=True)


def test_a_field_that_kubernetes_does_not_know_is_found() -> None:
    budget = rendered(BACKEND, SECRET)["PodDisruptionBudget night-shim"]
    budget["spec"]["maxUnavailible"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(budget, "1.34", strict=True)


def test_what_is_made() -> None:
    assert set(rendered(*EVERYTHING)) == {
        "Deployment night-shim",
        "Secret night-shim",
        "Service night-shim",
        "Service night-shim-admin",
        "NetworkPolicy night-shim",
        "PodDisruptionBudget night-shim",
        "HorizontalPodAutoscaler night-shim",
        "Ingress night-shim",
    }


def test_the_pods_are_hardened_and_probed_and_have_time_to_end() -> None:
    pod = rendered(BACKEND, SECRET)["Deployment night-shim"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert pod["terminationGracePeriodSeconds"] > 75
    ready = container["readinessProbe"]
    drain = Config.model_validate({"backend": {"url": "https://v3.example.com"}}).listen.drain
    assert ready["periodSeconds"] * ready["failureThreshold"] < drain, (
        "who is ending gets no more calls in time"
    )


def test_the_admin_listener_is_open_to_the_monitoring_alone() -> None:
    policy = rendered(BACKEND, SECRET)["NetworkPolicy night-shim"]
    by_port = {rule["ports"][0]["port"]: rule.get("from") for rule in policy["spec"]["ingress"]}
    assert by_port["http"] is None
    assert by_port["admin"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    ]


def test_the_shim_takes_the_configuration_of_the_chart(tmp_path: Path) -> None:
    told = rendered(BACKEND, SECRET)["Secret night-shim"]["stringData"]["config.yaml"]
    (tmp_path / "store-url").write_text("postgresql://shim:s@db/shim")
    (tmp_path / "config.yaml").write_text(told.replace("/etc/shim/secrets", str(tmp_path)))
    config = load_config(tmp_path / "config.yaml", environ={})
    assert (config.listen.host, config.admin.host) == ("0.0.0.0", "0.0.0.0")


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ((), "config.backend.url is required"),
        ((BACKEND,), "name a Secret with the key store-url"),
        ((BACKEND, "config.store.url=sqlite:////var/lib/shim/shim.db"), "several replicas need PostgreSQL"),
    ],
)
def test_what_cannot_work_is_refused(values: tuple[str, ...], why: str) -> None:
    flags = [part for each in values for part in ("--set", each)]
    done = helm("template", "night", str(CHART), "--kube-version", "1.29.0", *flags)
    assert done.returncode != 0
    assert why in done.stderr


# ---- compose ----


def composed() -> Object:
    found: Object = yaml.safe_load((COMPOSE / "compose.yaml").read_text("utf-8"))
    return found


def test_the_schema_of_compose_takes_it() -> None:
    schema = json.loads(judge("compose-spec.json").read_text("utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    problems = [each.message for each in jsonschema.Draft7Validator(schema).iter_errors(composed())]
    assert problems == []


def test_all_that_it_names_is_there() -> None:
    told = composed()
    for service in told["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert (COMPOSE / source).exists() if source.startswith("./") else source in told["volumes"]
        assert set(service.get("secrets", ())) <= set(told["secrets"])
        assert set(service["networks"]) <= set(told["networks"])
    assert (COMPOSE / told["x-shim"]["build"]["context"] / told["x-shim"]["build"]["dockerfile"]).is_file()


def test_the_shim_takes_the_configuration_of_compose(tmp_path: Path) -> None:
    (tmp_path / "store-url").write_text("postgresql://shim:s@postgres/shim")
    (tmp_path / "app-secret").write_text("s")
    text = (COMPOSE / "config.yaml").read_text("utf-8").replace("/run/secrets", str(tmp_path))
    (tmp_path / "config.yaml").write_text(text)
    config = load_config(tmp_path / "config.yaml", environ={})
    assert config.deprecation.spool == Path("/var/lib/shim/spool")
    assert [each.name for each in config.integrations] == ["billing"]
