"""The review page and its API as an application: which path is which page, and what closes with it."""

from __future__ import annotations

from aiohttp import web

from shim.edge.app import Application
from shim.edge.http.peer import Peers
from shim.review.api.site import api
from shim.review.page.actions import Actions
from shim.review.page.auth import Sessions
from shim.review.page.desk import ReviewDesk
from shim.review.page.downloads import Exports
from shim.review.page.impact import ImpactPage
from shim.review.page.pages import ReviewPages
from shim.review.page.site import Site, static
from shim.review.page.templates import PREFIX


def pages(application: Application) -> web.Application:
    """The page of a shim below `/review/`, and the API below `/api/v1/`."""
    sessions = Sessions(lambda: application.config.admin, application.config.login)
    listen = application.config.listen
    peers = Peers(None, listen.trusted_proxies, listen.forwarded == "forwarded")
    site = Site(lambda: application.config.admin, sessions, peers, application.store.now)
    app = web.Application(middlewares=[site.guard])
    app.add_routes(_routes(site, ReviewDesk(application)))

    async def close(_: web.Application) -> None:
        sessions.close()

    app.on_cleanup.append(close)
    both = web.Application()
    both.add_subapp(PREFIX, app)
    api(application, both)
    return both


def _routes(site: Site, desk: ReviewDesk) -> list[web.RouteDef]:
    pages = ReviewPages(site, desk)
    actions = Actions(site, desk, pages)
    exports, impact = Exports(desk), ImpactPage(site, desk)
    return [
        web.get("/", pages.overview),
        web.get("/static/{name}", static),
        web.get("/login", site.login_form),
        web.post("/login", site.login),
        web.get("/login/oidc", site.oidc),
        web.get("/login/oidc/back", site.oidc_back),
        web.post("/logout", site.logout),
        web.get("/integrations/{integration:.+}/letter", pages.letter),
        web.get("/integrations/{integration:.+}", pages.integration),
        web.post("/integrations/{integration:.+}/notes", actions.notes),
        web.post("/integrations/{integration:.+}/exceptions/end", actions.end),
        web.post("/integrations/{integration:.+}/exceptions", actions.grant),
        web.post("/integrations/{integration:.+}/ladder", actions.move),
        web.post("/integrations/{integration:.+}/reset", actions.reset),
        web.get("/findings", pages.findings),
        web.post("/findings", actions.say_of_all),
        web.get("/findings/{id:[0-9]{1,9}}", pages.finding),
        web.post("/findings/{id:[0-9]{1,9}}", actions.say),
        web.get("/operations", pages.operations),
        web.get("/operations/{operation}", pages.operation),
        web.get("/logins", pages.logins),
        web.get("/impact", impact.show),
        web.post("/impact", impact.release),
        web.get("/brownouts", pages.brownouts),
        web.post("/brownouts", actions.brownout),
        web.post("/brownouts/{id}/stop", actions.stop),
        web.get("/export/integrations.csv", exports.integrations_csv),
        web.get("/export/integrations.json", exports.integrations_json),
        web.get("/export/operations.csv", exports.operations_csv),
        web.get("/export/findings.csv", exports.findings_csv),
        web.get("/export/findings.json", exports.findings_json),
        web.get("/export/letter.md", exports.letter),
    ]
