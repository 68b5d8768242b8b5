"""Which messages are those of v3: told by the head, whatever it is written like."""

from __future__ import annotations

import pytest

from shim.core.native import Head, carries_old_login, head_of, is_native, may_be_native

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
TOKEN = '<userCredentials xmlns="urn:4psa"><accessToken>t-1</accessToken></userCredentials>'
OLD = "<userCredentials><username>u</username><password>p</password></userCredentials>"


def message(body: str = "<GetUsers/>", header: str = TOKEN, prolog: str = "") -> bytes:
    inner = f"<e:Header>{header}</e:Header><e:Body>{body}</e:Body>"
    return f'{prolog}<e:Envelope xmlns:e="{SOAP}">{inner}</e:Envelope>'.encode()


def native(data: bytes, content_type: str = "text/xml") -> bool:
    return may_be_native(data) and is_native(head_of(data, content_type))


@pytest.mark.parametrize(
    "data",
    [
        message(),
        message(
            '<m:GetUsers xmlns:m="http://4psa.com/UserMessages.xsd/3.0.0">\n<m:parentID>1</m:parentID></m:GetUsers>'
        ),
        message(prolog='\n<?xml version="1.0" encoding="UTF-8"?><!-- a <Body> in a comment -->\n'),
        message(header=f"<!-- <e:Body><GetClientsRequest/></e:Body> -->{TOKEN}"),
        message(header=f"<other><accessToken>x</accessToken></other>{TOKEN}"),
        message(header=TOKEN.replace("t-1", "<![CDATA[t-1]]>")),
        message(header="<x>" + "y" * 5000 + f"</x>{TOKEN}"),
        message(header=f"<userCredentials>{TOKEN}</userCredentials>"),
        message(header=f"<security><a><userCredentials><b>{TOKEN}</b></userCredentials></a></security>"),
        message().decode().encode("utf-16"),
        b"\xef\xbb\xbf" + message(),
        message("<GetUsers>" + "<a/>" * 30000 + "</GetUsers>"),
    ],
)
def test_messages_of_v3(data: bytes) -> None:
    assert native(data)
    assert head_of(data) == Head("GetUsers", "t-1")


@pytest.mark.parametrize("version", ["3.0.0", "3.5.0", "5.2.5", "12.0.10"])
def test_an_operation_of_a_later_schema_is_one_of_v3(version: str) -> None:
    space = f'xmlns:n="http://4psa.com/ExtensionMessages.xsd/{version}"'
    assert native(message(f"<n:GetSIPPreferences {space}/>"))


@pytest.mark.parametrize(
    "body",
    [
        "<GetSIPPreferences/>",
        '<n:GetDeviceDetails xmlns:n="https://voip.example/soap2/schema/latest/PBXMessages.xsd"/>',
        '<n:GetDeviceDetails xmlns:n="http://4psa.com/PBXMessages.xsd/2.5.1"/>',
    ],
)
def test_whatever_has_a_token_and_no_old_login_is_one_of_v3(body: str) -> None:
    assert native(message(body))
    assert not native(message(body, OLD + TOKEN))
    assert not native(message(body, OLD))


@pytest.mark.parametrize(
    "data",
    [
        message("<GetClientsRequest/>"),
        message("<GetClientsRequest/>", OLD),
        message("<GetUsers/>", OLD),
        message("<GetUsers/>", OLD + TOKEN),
        message("<GetUsers/>", ""),
        message("<GetUsers/>", "<userCredentials><accessToken/></userCredentials>"),
        message("<GetUsers/>", "<accessToken>t-1</accessToken>"),
        message('<n:GetClientsRequest xmlns:n="http://4psa.com/ClientMessages.xsd/3.0.0"/>'),
        message("<GetClientsRequest><GetUsers/></GetClientsRequest>"),
        message(prolog='<!DOCTYPE x [<!ENTITY a "b">]>'),
        message().replace(SOAP.encode(), b"http://www.w3.org/2003/05/soap-envelope"),
        message(header="<x>" + "y" * 70000 + f"</x>{TOKEN}"),
        b"accessToken",
        b"",
        b"\0" * 100,
        message("<GetUsers><broken"),
    ],
)
def test_everything_else_is_for_the_old_path(data: bytes) -> None:
    assert not native(data)


def test_a_token_is_in_no_repr() -> None:
    assert "t-1" not in repr(head_of(message()))


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("<userCredentials><username>a</username><password>b</password></userCredentials>", "<GetUsers/>"),
        (
            f"{TOKEN}<h:userCredentials xmlns:h='u'><h:password>b</h:password></h:userCredentials>",
            "<GetUsers/>",
        ),
        (TOKEN, "<GetUsers><userCredentials><appKey>k</appKey></userCredentials></GetUsers>"),
        (TOKEN, "<GetUsers><cryptedAuth>x</cryptedAuth></GetUsers>"),
        (
            "<userCredentials><accessToken>a</accessToken><AppSecret >s</AppSecret></userCredentials>",
            "<GetUsers/>",
        ),
        ("<userCredentials><password>b", ""),
    ],
)
def test_a_login_of_2_5_is_seen_wherever_it_stands(header: str, body: str) -> None:
    sent = message(body, header)
    assert carries_old_login(sent)
    assert carries_old_login(sent.decode().encode("utf-16"))


@pytest.mark.parametrize(
    "body",
    [
        "<GetUsers/>",
        "<AddUser><login>a</login><password>secret</password></AddUser>",
        "<EditExtension><password>secret</password></EditExtension>",
    ],
)
def test_passwords_of_v3_accounts_are_no_logins(body: str) -> None:
    nested = f"<userCredentials>{TOKEN}</userCredentials>"
    for header in (TOKEN, nested):
        assert not carries_old_login(message(body, header))


@pytest.mark.parametrize(
    "header", ["userCredentials", "USERCREDENTIALS", "usercredentials", "x:UserCredentials"]
)
@pytest.mark.parametrize("name", ["password", "PASSWORD", "AppKey", "username", "cryptedauth", "APPSECRET"])
@pytest.mark.parametrize("prefix", ["", "y:", "z" * 300 + ":"])
def test_an_old_login_is_seen_in_any_case_and_under_any_prefix(header: str, name: str, prefix: str) -> None:
    """As 2.5 reads it: whatever it would take for a login must not go on to v3."""
    login = f"<{header}><{prefix}{name}>secret</{prefix}{name}></{header}>"
    message = f"<E:Envelope><E:Header>{login}</E:Header><E:Body><GetUsers/></E:Body></E:Envelope>"
    for encoding in ("utf-8", "utf-16"):
        assert carries_old_login(message.encode(encoding))
