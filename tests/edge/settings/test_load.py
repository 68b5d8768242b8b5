from __future__ import annotations

import re
import socket
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from shim.core.commands.caller import Caller
from shim.core.parse import Limits as ParseLimits
from shim.edge.settings.admin import ChangeAuthor, OidcSettings
from shim.edge.settings.load import Config, ConfigError, describe, integrations_file, load_config
from shim.edge.settings.notify import EVENT_NAMES

EXAMPLE = Path(__file__).parents[3] / "config.example.yaml"
HASH = "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0$7TtdTPt0N+h+s0N4XvTMSGw1p6dUzq0Zr2Gl7uAkzAE"
SHA = "0" * 64


def entry(name: str = "billing", **old: Any) -> dict[str, Any]:
    old = old or {"username": name, "password": "old-secret"}
    return {"name": name, "old": old, "new": {"app_key": "key", "app_secret": "new-secret"}}


def load(tmp_path: Path, text: str | dict[str, Any] = "", environ: Any = None, **overrides: Any) -> Config:
    path = tmp_path / "shim.yaml"
    path.write_text(text if isinstance(text, str) else yaml.safe_dump(text))
    flags = {"backend.url": "https://v3.example", **{key.replace("__", "."): v for key, v in overrides.items()}}
    return load_config(path, flags, environ or {})


def problems(tmp_path: Path, text: str | dict[str, Any], environ: Any = None, **overrides: Any) -> list[Any]:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, environ, **overrides)
    assert str(caught.value).count("\n") == len(caught.value.problems) - 1
    return caught.value.problems


def only(found: list[Any]) -> Any:
    assert len(found) == 1, found
    return found[0]


# ---- the example ----


def uncommented() -> list[dict[str, Any]]:
    text = EXAMPLE.read_text("utf-8")
    _, _, sample = text.partition("\n# integrations:\n")
    lines = [line.removeprefix("# ") for line in sample.splitlines()]
    loaded: list[dict[str, Any]] = yaml.safe_load("\n".join(lines))
    return loaded


def keys_of(value: Any, prefix: str = "") -> set[str]:
    if not isinstance(value, dict) or prefix.endswith(("[].conduct.", "[].porting.")):
        return {prefix.rstrip(".")}
    if prefix.startswith("integrations[].") and set(value) <= {"env", "file"} and value:
        return {prefix.rstrip(".")}
    if not value:
        return {prefix.rstrip(".")} if prefix.startswith("conduct.") else set()
    return set().union(*(keys_of(each, f"{prefix}{key}.") for key, each in value.items()))


def test_example_names_every_key_with_its_default() -> None:
    example = yaml.safe_load(EXAMPLE.read_text("utf-8"))
    for key, default, _ in describe():
        if "[]" in key or key.startswith("admin.oidc."):
            continue
        at = example
        for step in key.split("."):
            assert step in at, f"config.example.yaml lacks {key}"
            at = at[step]
        if default != "(required)":
            assert at == default, f"config.example.yaml has another default of {key}"
    assert keys_of(example) - {"integrations"} == {
        key for key, _, _ in describe() if "[]" not in key and key != "integrations" and "oidc." not in key
    } | {"admin.oidc"}


def test_example_shows_every_key_of_a_provider_with_its_default() -> None:
    _, _, sample = EXAMPLE.read_text("utf-8").partition("\n  # oidc:\n")
    lines = takewhile(lambda line: line.startswith("  # "), sample.splitlines())
    shown = yaml.safe_load("\n".join(line.removeprefix("  # ") for line in lines))
    keys = {key.removeprefix("admin.oidc."): default for key, default, _ in describe() if "oidc." in key}
    assert set(shown) == set(keys)
    usual = ("name_claim", "role_claim", "default_role", "label", "timeout")
    assert {name: shown[name] for name in usual} == {name: keys[name] for name in usual}
    OidcSettings.model_validate({**shown, "client_secret": "a secret"})


def test_example_shows_every_key_of_an_integration() -> None:
    shown = set().union(*(keys_of(each, "integrations[].") for each in uncommented()))
    keys = {key for key, _, _ in describe() if key.startswith("integrations[]")}
    assert keys == shown | {"integrations[].conduct"}


def admin_users() -> list[dict[str, Any]]:
    _, _, sample = EXAMPLE.read_text("utf-8").partition("  # users:\n")
    lines = takewhile(lambda line: line.startswith("  # "), sample.splitlines())
    loaded: list[dict[str, Any]] = yaml.safe_load("\n".join(line.removeprefix("  # ") for line in lines))
    return loaded


def test_example_shows_every_key_of_a_user_of_the_review_page(tmp_path: Path) -> None:
    [user] = admin_users()
    assert {key for key, _, _ in describe() if key.startswith("admin.users[]")} == {
        f"admin.users[].{key}" for key in user
    }
    assert load(tmp_path, {"admin": {"users": [user]}}).admin.users[0].name == "nora"


def test_example_shows_every_key_of_a_webhook(tmp_path: Path) -> None:
    _, _, sample = EXAMPLE.read_text("utf-8").partition("  # webhooks:\n")
    lines = takewhile(lambda line: line.startswith("  # "), sample.splitlines())
    [hook] = yaml.safe_load("\n".join(line.removeprefix("  # ") for line in lines))
    assert {key for key, _, _ in describe() if key.startswith("notify.webhooks[]")} == {
        f"notify.webhooks[].{key}" for key in hook
    }
    (tmp_path / "hook-key").write_text("k")
    told = load(tmp_path, {"notify": {"webhooks": [hook]}}, {"OPS_HOOK": "https://hooks.example.com/x"}).notify
    assert told.receivers() == {"ops": EVENT_NAMES}
    assert "hooks.example.com" not in repr(told)


def test_users_of_the_review_page_are_unique_and_have_hashes(tmp_path: Path) -> None:
    [user] = admin_users()
    assert "same name" in problems(tmp_path, {"admin": {"users": [user, user]}})[0].what
    [told] = problems(tmp_path, {"admin": {"users": [{**user, "password_hash": "clear text"}]}})
    assert told.where.endswith("admin.users[0].password_hash")
    assert "argon2" in told.what
    assert "shim admin password" in told.fix
    assert "clear text" not in str(told)
    [told] = problems(tmp_path, {"admin": {"users": [{**user, "name": "two\nlines"}]}})
    assert told.where.endswith("admin.users[0].name")
    assert load(tmp_path, {"admin": {"users": [{**user, "name": "ß" * 64}]}}).admin.users[0].name == "ß" * 64
    for wrong in ("", "b" * 65, "a b"):
        [told] = problems(tmp_path, {"admin": {"users": [{**user, "name": wrong}]}})
        assert told.what == "this is not of the form that it has to have"


def test_the_form_of_a_name_is_judged_without_a_large_pattern() -> None:
    """pydantic would build all letters 64 times: 30 ms and 6 MiB."""
    assert "'pattern'" not in repr(TypeAdapter(ChangeAuthor).core_schema)


def test_hosts_of_a_store_with_commas_are_told_how_to_stand(tmp_path: Path) -> None:
    url = "postgresql+asyncpg://shim:clear-text@a:5432,b:5432/shim"
    [told] = problems(tmp_path, {"store": {"url": url}})
    assert told.where.endswith("store.url")
    assert "?host=a:5432&host=b:5432" in told.what
    assert "clear-text" not in str(told)
    comma = "postgresql+asyncpg://shim:pass,word@a/shim"
    assert load(tmp_path, {"store": {"url": comma}}).store.url.get_secret_value() == comma
    several = "postgresql+asyncpg://shim:pw@/shim?host=a:5432&host=b:5432&target_session_attrs=read-write"
    assert load(tmp_path, {"store": {"url": several}}).store.url.get_secret_value() == several


def test_example_loads_and_so_does_its_sample(tmp_path: Path) -> None:
    example = tmp_path / "config.yaml"
    example.write_text(EXAMPLE.read_text("utf-8"), "utf-8")
    whole = load_config(example, environ={})
    example.write_text("backend: {url: 'https://voipnow.example.com'}")
    assert whole == load_config(example, environ={})
    (tmp_path / "northwind-app-secret").write_text("s\n")
    names = ("BILLING_APP_SECRET", "NORTHWIND_PASSWORD", "NORTHWIND_OLD_APP_SECRET", "NORTHWIND_CRYPTED_AUTH")
    config = load(tmp_path, {"integrations": uncommented()}, dict.fromkeys(names, "x"))
    assert [each.name for each in config.integrations] == ["billing", "provisioning"]
    assert config.integrations[1].new.app_secret.get_secret_value() == "s"
    assert dict(config.integrations[1].porting) == {
        "Client.GetClients": "v3",
        "Billing.*": "locked",
        "*": "translate",
    }


def ported(**rungs: str) -> dict[str, Any]:
    return {"integrations": [{**entry(), "porting": rungs}]}


def test_the_porting_ladder_is_judged_by_the_operations_of_2_5(tmp_path: Path) -> None:
    good = {"Client.GetClients": "locked", "Reseller.*": "compare", "*": "v3"}
    assert dict(load(tmp_path, ported(**good)).integrations[0].porting) == good
    for wrong, said in (
        ("Client.GetClient", "there is no Client.GetClient in 2.5: `shim coverage Client` lists"),
        ("Organization.GetOrganizations", "in 2.5: write Service.Operation, Service.*, or * for all"),
    ):
        found = only(problems(tmp_path, ported(**good, **{wrong: "v3"})))
        assert said in found.what
        assert found.where.endswith("integration billing: porting")
    found = only(problems(tmp_path, ported(**{"*": "lokced"})))
    assert found.where.endswith("integration billing: porting.*")
    assert found.intention == "Did you mean locked?"


def test_every_setting_has_a_sentence() -> None:
    assert [key for key, _, doc in describe() if not doc] == []


# ---- precedence ----


def test_flags_before_environment_before_file_before_defaults(tmp_path: Path) -> None:
    text = "listen: {port: 1, tls_port: 1, max_connections: 1}"
    environ = {"SHIM_LISTEN__PORT": "2", "SHIM_LISTEN__TLS_PORT": "2", "SHIM_CONFIG": "not a setting"}
    config = load(tmp_path, text, environ, listen__port=3, listen__host=None)
    listen = config.listen
    assert (listen.port, listen.tls_port, listen.max_connections) == (3, 2, 1)
    assert listen.host == "127.0.0.1"


def test_environment_takes_lists_as_yaml_and_ignores_empty_ones(tmp_path: Path) -> None:
    environ = {"SHIM_LISTEN__TRUSTED_PROXIES": "[10.0.0.0/8, '::1']", "SHIM_LISTEN__TLS_CERT": ""}
    config = load(tmp_path, "", environ, backend__verify_tls="no")
    assert [str(each) for each in config.listen.trusted_proxies] == ["10.0.0.0/8", "::1/128"]
    assert config.listen.tls_cert is None
    assert config.backend.verify_tls is False


def test_no_file_needs_only_the_backend() -> None:
    config = load_config(None, environ={"SHIM_BACKEND__URL": "http://127.0.0.1:8026/"})
    assert config.backend.url == "http://127.0.0.1:8026"
    assert config.limits.parse() == ParseLimits()


def test_choices_come_from_the_environment_too(tmp_path: Path) -> None:
    environ = {"SHIM_CONDUCT__USER_MAX": "12", "SHIM_CONDUCT__ORGANIZATION_TYPE": "1"}
    conduct = load(tmp_path, "", environ).conduct
    assert (conduct.user_max, conduct.organization_type) == (12, 1)


# ---- problems ----


def test_all_problems_at_once_each_with_place_intention_and_fix(tmp_path: Path) -> None:
    text = """
listn: {}
port: 3
listen: {trusted_proxies: [nonsense], tls_cert: nowhere.pem}
backend: {call_timeout: -1}
conduct: {user_max: many}
log: {format: jsn}
integrations:
  - {name: a b, old: {username: x}, new: {app_key: a, app_secret: {env: NOPE}}}
  - {name: ab, old: {username: x, password: {file: p}}, new: {app_key: a, app_secrt: x}}
  - 3
"""
    found = problems(tmp_path, text, {"SHIM_ADMIN__PRT": "1", "SHIM_LISTEN__PORT": "x"})
    file = str(tmp_path / "shim.yaml")
    places = {each.where: each for each in found}
    assert set(places) == {
        f"{file}{key}"
        for key in (
            ", line 2: listn",
            ", line 3: port",
            ", line 4: listen.trusted_proxies[0]",
            ", line 4: listen.tls_cert",
            ", line 5: backend.call_timeout",
            ", line 6: conduct.user_max",
            ", line 7: log.format",
            ", line 9: integration number 1: name",
            ", line 9: integration number 1: old",
            ", line 9: integration number 1: new.app_secret",
            ", line 10: integration ab: old.password",
            ", line 10: integration ab: new.app_secret",
            ", line 10: integration ab: new.app_secrt",
            ", line 11: integration number 3",
        )
    } | {
        "environment variable SHIM_ADMIN__PRT: admin.prt",
        "environment variable SHIM_LISTEN__PORT: listen.port",
    }
    assert places[f"{file}, line 2: listn"].intention == "Did you mean listen?"
    meant = "Did you mean listen.port or admin.port or notify.mail.port?"
    assert places[f"{file}, line 3: port"].intention == meant
    assert places[f"{file}, line 7: log.format"].intention == "Did you mean json?"
    assert "NOPE is not set" in places[f"{file}, line 9: integration number 1: new.app_secret"].what
    assert "Default: unlimited" in places[f"{file}, line 6: conduct.user_max"].fix
    assert all(each.fix for each in found)


@pytest.mark.parametrize(
    ("section", "what"),
    [
        ({"backend": {"url": "v3.example"}}, "http:// or https://"),
        ({"backend": {"url": "https://u:p@v3.example"}}, "no user, password"),
        ({"backend": {"url": "https://v3.example/soap2/schema"}}, "without /soap2"),
        ({"store": {"url": 3}}, "a secret is a text"),
        ({"store": {"url": ""}}, "empty"),
    ],
)
def test_values_that_cannot_be_meant(tmp_path: Path, section: dict[str, Any], what: str) -> None:
    flags: dict[str, Any] = {"backend.url": None} if "backend" in section else {}
    path = tmp_path / "shim.yaml"
    path.write_text(yaml.safe_dump({"backend": {"url": "https://v3.example"}, **section}))
    with pytest.raises(ConfigError) as caught:
        load_config(path, flags, {})
    assert what in only(caught.value.problems).what


def test_a_problem_names_the_file_its_line_and_the_integration(tmp_path: Path) -> None:
    (tmp_path / "who.yaml").write_text(
        "# who may call\n"
        "- name: crm\n"
        "  old:\n"
        "    username: 0123\n"
        "    password: x\n"
        "  new: {app_key: k, app_secret: {env: NOT_SET}}\n"
    )
    user, secret = problems(tmp_path, "integrations_file: who.yaml\n")
    file = tmp_path / "who.yaml"
    assert str(user) == (
        f"{file}, line 4: integration crm: old.username: a text is needed, and this is a number. Put it in "
        "quotes: YAML drops zeros that lead a number, or reads it as octal."
    )
    assert str(secret).startswith(
        f"{file}, line 6: integration crm: new.app_secret: the environment variable NOT_SET is not set. Set it"
    )


def test_a_section_is_judged_as_a_whole_beside_its_wrong_keys(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("")
    found = problems(tmp_path, "listen: {tls_cert: cert.pem, port: many}\nidentity: {issued_to: 1}\n")
    assert [each.where.rpartition(": ")[2] for each in found] == ["listen.port", "identity", "listen"]
    wrong = {**entry(), "old": {"username": 123, "password": "x"}}
    assert only(problems(tmp_path, {"integrations": [wrong]})).where.endswith("old.username")


def test_no_problem_repeats_what_a_setting_is_for(tmp_path: Path) -> None:
    text = "listen: {port: x, header_timeout: 0}\nlog: {level: loud, files: -1}\nidentity: {issued_to: many}\n"
    found = "\n".join(map(str, problems(tmp_path, {**yaml.safe_load(text), "integrations": [{"old": 1}]})))
    assert [each.doc for each in describe() if len(each.doc) > 8 and each.doc in found] == []


def test_certificate_and_key_go_together(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("")
    assert "go together" in only(problems(tmp_path, "listen: {tls_cert: cert.pem}")).what


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("listen: [", "no YAML"),
        ("log: {level: info}\nlog: {level: debug}", "the key log stands twice in line 2"),
        ("- a", "no mapping"),
        ("a: !!python/object:os.system x", "no YAML"),
    ],
)
def test_files_that_are_no_configuration(tmp_path: Path, text: str, what: str) -> None:
    assert what in only(problems(tmp_path, text)).what


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_config(tmp_path / "nowhere.yaml", environ={})


# ---- integrations and secrets ----


@pytest.mark.parametrize(
    ("old", "what"),
    [
        ({"username": "x"}, "username goes with"),
        ({"password": "x"}, "username goes with"),
        ({"app_key": "x"}, "app_key goes with"),
        ({"username": "x", "password": "y", "password_hash": HASH}, "say the same"),
        ({"crypted_auth": "x", "crypted_auth_sha256": SHA}, "say the same"),
        ({}, "no way to log in"),
        ({"username": "x", "password_hash": "sha1$x"}, "no argon2 hash"),
    ],
)
def test_an_integration_needs_one_whole_way(tmp_path: Path, old: dict[str, Any], what: str) -> None:
    bad = {**entry(), "old": old}
    assert what in only(problems(tmp_path, {"integrations": [bad]})).what


def test_names_and_logins_are_unique_over_both_lists(tmp_path: Path) -> None:
    inline = [
        entry("a", username="u", password="p"),
        entry("b", crypted_auth="c"),
        entry("c", app_key="k", app_secret="s"),
    ]
    (tmp_path / "more.yaml").write_text(
        yaml.safe_dump(
            [
                entry("a", username="v", password="p"),
                entry("d", username="u", password="p"),
                entry(
                    "e", crypted_auth_sha256="2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6"
                ),
                entry("f", app_key="k", app_secret="s"),
            ]
        )
    )
    found = problems(tmp_path, {"integrations": inline, "integrations_file": "more.yaml"})
    assert [re.sub(r".*/|, line [0-9]+", "", each.where) for each in found] == [
        "more.yaml: integration a: name",
        "more.yaml: integration d: old.username",
        "more.yaml: integration e: old.crypted_auth",
        "more.yaml: integration f: old.app_key",
    ]
    assert found[0].what.endswith("integration a in " + str(tmp_path / "shim.yaml") + ", line 2 has the same")


def test_integrations_file_adds_to_the_list_and_has_its_own_folder(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "pw").write_text("from-file\n")
    (folder / "list.yaml").write_text(yaml.safe_dump([entry("b", username="b", password={"file": "pw"})]))
    text = {"integrations": [entry("a")], "integrations_file": "secrets/list.yaml"}
    config = load(tmp_path, text)
    assert [each.name for each in config.integrations] == ["a", "b"]
    password = config.integrations[1].old.password
    assert password is not None
    assert password.get_secret_value() == "from-file"
    assert integrations_file(tmp_path / "shim.yaml", environ={}) == folder / "list.yaml"


def test_missing_integrations_file_is_a_problem_but_can_be_located(tmp_path: Path) -> None:
    text = {"integrations_file": "list.yaml"}
    assert "there is no such file" in only(problems(tmp_path, text)).what
    assert integrations_file(tmp_path / "shim.yaml", environ={}) == tmp_path / "list.yaml"


def test_integrations_file_that_is_no_list(tmp_path: Path) -> None:
    (tmp_path / "list.yaml").write_text("a: b")
    assert "no list" in only(problems(tmp_path, {"integrations_file": "list.yaml"})).what


def test_conduct_of_all_with_the_differences_of_one(tmp_path: Path) -> None:
    text = {
        "conduct": {"user_max": 5, "unlimited_absent": "number"},
        "integrations": [{**entry("a"), "conduct": {"user_max": "leave"}}, entry("b")],
    }
    one, other = load(tmp_path, text).integrations
    assert one.settings == {
        "user_max": "leave",
        "organization_type": "leave",
        "complete_names": "login",
        "complete_company": "name",
        "complete_email": "leave",
        "organization_owner": "leave",
        "new_user": "configured",
        "unlimited_absent": "number",
        "unlimited_absent_in_v3": "unlimited",
        "remote_agent": "id",
        "queue_agent_id": "user",
        "callback_ext_id": "user",
        "move_without_plan": "leave",
        "shared_email": "use",
        "phone_password": "follow",
        "lists": "auto",
        "row_identifier": "auto",
        "linked_failure": "undo",
        "industries": "write",
        "system_api_status": "true",
        "system_api_legacy_auth": "true",
        "call_api_status": "false",
        "call_api_legacy_auth": "false",
        "call_api_username": "",
    }
    assert other.settings["user_max"] == "5"


def test_the_password_of_the_old_call_api_is_told_to_the_core_alone(tmp_path: Path) -> None:
    conduct = {"call_api_status": True, "call_api_username": "api", "call_api_password": "s3cret-77"}
    [one] = load(tmp_path, {"conduct": conduct, "integrations": [entry("a")]}).integrations
    assert one.settings["call_api_password"] == "s3cret-77"
    assert one.settings["call_api_status"] == "true"
    assert "s3cret-77" not in repr(one) + repr(Caller(one.name, one.settings))
    [problem] = problems(tmp_path, {"conduct": {"call_api_password": "abc"}})
    assert "4 to 64 characters" in problem.what


def test_what_is_mapped_for_one_is_added_to_what_is_mapped_for_all(tmp_path: Path) -> None:
    text = {
        "conduct": {
            "templates": {7: {"user": 3, "extension": 4}, 8: {"extension": 4}},
            "new_user_values": {"sipManag": True, "concurentCalls": 2, "provisionManag": "leave"},
        },
        "integrations": [
            {
                **entry("a"),
                "conduct": {"templates": {8: {"user": 5}}, "new_user_values": {"concurentCalls": "unlimited"}},
            },
            entry("b"),
        ],
    }
    one, other = load(tmp_path, text).integrations
    flat = {key: value for key, value in one.settings.items() if "." in key}
    assert flat == {
        "templates.7.user": "3",
        "templates.7.extension": "4",
        "templates.8.user": "5",
        "new_user_values.sipManag": "true",
        "new_user_values.concurentCalls": "unlimited",
        "new_user_values.provisionManag": "leave",
    }
    assert other.settings["templates.8.extension"] == "4"
    assert other.settings["new_user_values.concurentCalls"] == "2"


@pytest.mark.parametrize(
    ("conduct", "why"),
    [
        ({"templates": {7: {}}}, "needs user, extension, or both"),
        ({"new_user_values": {"sipManage": "true"}}, "sipManag is meant"),
        ({"new_user_values": {"sipManag": "4"}}, "sipManag is one of true, false"),
        ({"new_user_values": {"concurentCalls": "many"}}, "concurentCalls is a number or unlimited"),
        ({"new_user_values": {"accountExpire": "unlimited"}}, "no accountExpire"),
        ({"new_user_values": {"accountExpireDays": "soon"}}, "accountExpireDays is a number or unlimited"),
    ],
)
def test_conduct_of_new_extensions_is_judged_by_the_interface_of_v3(
    tmp_path: Path, conduct: dict[str, Any], why: str
) -> None:
    assert why in only(problems(tmp_path, {"conduct": conduct})).what


def test_nothing_secret_is_ever_shown(tmp_path: Path) -> None:
    canary = "canary-7f3a"
    text = {
        "store": {"url": f"postgresql+asyncpg://u:{canary}@h/d"},
        "integrations": [
            {**entry("a", username="a", password=canary), "new": {"app_key": "k", "app_secret": canary}},
            entry("b", username="b", password_hash=HASH),
            entry("c", crypted_auth=canary, app_key="k", app_secret=canary),
        ],
    }
    config = load(tmp_path, text)
    assert canary not in repr(config) + str(config)
    assert HASH not in repr(config)
    wrong = {"integrations": [{**entry("a", username="a", password=[canary]), "new": {"app_secret": canary}}]}
    wrong_text = f"log: {{level: {canary}}}\nlisten: {{port: {canary}}}\n{yaml.safe_dump(wrong)}"
    assert canary not in "".join(map(str, problems(tmp_path, wrong_text)))
    assert canary not in str(only(problems(tmp_path, f"store: {{url: '{canary}")))


def test_reaching_outside_is_refused(network_attempts: list[str]) -> None:
    with socket.socket() as outside, pytest.raises(ConnectionRefusedError):
        outside.connect(("192.0.2.1", 80))
    with pytest.raises(ConnectionRefusedError):
        socket.getaddrinfo("v3.example", 443)
    assert network_attempts == ["192.0.2.1", "v3.example"]
    network_attempts.clear()


def test_example_shows_every_key_of_a_token(tmp_path: Path) -> None:
    _, _, sample = EXAMPLE.read_text("utf-8").partition("  # tokens:\n")
    lines = takewhile(lambda line: line.startswith(("  #   - ", "  #     ")), sample.splitlines())
    [token] = yaml.safe_load("\n".join(line.removeprefix("  # ") for line in lines))
    assert {key for key, _, _ in describe() if key.startswith("admin.tokens[]")} == {
        f"admin.tokens[].{key}" for key in token
    }
    assert load(tmp_path, {"admin": {"tokens": [token]}}).admin.tokens[0].role == "viewer"
    again = {**token, "name": "another"}
    assert "must be unique" in only(problems(tmp_path, {"admin": {"tokens": [token, again]}})).what
