"""2.5 messages as text, written by hand as old scripts do: nothing here knows the shim's own writer."""

from __future__ import annotations

from xml.sax.saxutils import escape

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
VERSION = "2.5.1"

CLIENT = "/soap2/client_agent.php"
RESELLER = "/soap2/reseller_agent.php"

ADMIN = ("admin", "admin-secret")
ACME = ("acme", "acme-secret")
NORTHWIND = ("northwind", "northwind-secret")


def namespace(name: str, version: str = VERSION) -> str:
    return f"http://4psa.com/{name}.xsd/{version}"


def credentials(login: tuple[str, str], version: str = VERSION) -> str:
    """A userCredentials header as the schema has it."""
    user, password = map(escape, login)
    return (
        f'<h:userCredentials xmlns:h="{namespace("HeaderData", version)}">'
        f"<h:username>{user}</h:username><h:password>{password}</h:password></h:userCredentials>"
    )


def request(name: str, fields: str = "", version: str = VERSION) -> str:
    """A body element in its namespace, with unqualified children as scripts write them."""
    service = "Reseller" if "Reseller" in name else "Client"
    return f'<m:{name} xmlns:m="{namespace(f"{service}Messages", version)}">{fields}</m:{name}>'


def envelope(body: str, header: str | None = None, login: tuple[str, str] = ACME) -> bytes:
    """A whole message; by default with the credentials of a login as its header."""
    block = credentials(login) if header is None else header
    return (
        f'<E:Envelope xmlns:E="{SOAP}"><E:Header>{block}</E:Header><E:Body>{body}</E:Body></E:Envelope>'
    ).encode()


GET_CLIENTS = envelope(request("GetClientsRequest"))


def add_client(login: str, extra: str = "", caller: tuple[str, str] = ACME) -> bytes:
    fields = f"<name>Test</name><company>Test Ltd</company><login>{login}</login><password>Pass-2025</password>"
    return envelope(request("AddClientRequest", fields + extra), login=caller)


def edit_client(account: int, fields: str) -> bytes:
    return envelope(request("EditClientRequest", f"<ID>{account}</ID>{fields}"))
