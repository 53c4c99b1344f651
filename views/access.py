"""Who is asking: the session behind the cookie, the place in the workspace, and what they may do there."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec
from urllib.parse import urlsplit

import flask_login
from flask import Flask, abort, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFProtect

from models import BrowserSession, Member, Throttle, User
from models.actor import Actor
from models.database import now
from models.errors import DomainError, NotAllowed
from views import htmx
from views.application import context
from views.frame import PROGRAMS, ROUTE
from views.log import request_id

P = ParamSpec("P")
View = Callable[P, ResponseReturnValue]

SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
# Its address holds a signature, and mail programs post to it (RFC 8058).
SIGNED = "unsubscribe.stop"

csrf = CSRFProtect()
logins = flask_login.LoginManager()
# The row is the protection: it ends with the session, whatever address or browser sends the cookie.
logins.session_protection = None


class SignedIn(flask_login.UserMixin):
    """What flask-login calls the user: a live session. Its id is the token in the cookie."""

    def __init__(self, row: BrowserSession, token: str) -> None:
        self.row = row
        self.token = token

    def get_id(self) -> str:
        return self.token


class PasswordNeeded(DomainError):
    """The password was last given too long ago for what is asked."""

    status, code, title = 403, "password_needed", "Confirm your password"
    detail = "Confirm your password to go on."

    def __init__(self, problem: str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem


def set_up(app: Flask) -> None:
    csrf.init_app(app)
    # Instead of init_app, whose only further work is the remember cookie, which is not used here.
    app.login_manager = logins  # type: ignore[attr-defined] # where flask-login looks for it
    app.before_request(_load_session)


@logins.user_loader
def _resume(token: str) -> SignedIn | None:
    # A page that renews itself says so: nobody is there for that.
    row = BrowserSession.resume(token, seen="X-Renewal" not in request.headers)
    return SignedIn(row, token) if row else None


@logins.unauthorized_handler
def _ask_to_sign_in() -> ResponseReturnValue:
    if htmx.asked_by_htmx():
        # Back to the page that the person sees, not to the fragment that was asked for.
        return htmx.go_to(url_for("sessions.login", next=_seen_path()))
    return redirect(url_for("sessions.login", next=htmx.here() if request.method == "GET" else None))


def _seen_path() -> str | None:
    """The path and query of the page that htmx works on."""
    try:
        seen = urlsplit(request.headers.get("HX-Current-URL", ""))
    except ValueError:
        return None
    return local_path(f"{seen.path}?{seen.query}" if seen.query else seen.path)


def _load_session() -> None:
    """For every page: the session, and the two guards against requests forged on other sites."""
    asked = context().request
    rule = asked.url_rule
    if rule is not None:
        asked.environ[ROUTE] = rule.rule
    if asked.path.startswith((*PROGRAMS, "/static/")):
        return
    g.now = now()
    # First, so that a refusal is a page in the frame that the person is in.
    signed_in = flask_login.current_user._get_current_object()
    if isinstance(signed_in, SignedIn):
        g.session, g.user = signed_in.row, signed_in.row.user
    if rule is not None and asked.method not in SAFE_METHODS and rule.endpoint != SIGNED:
        _refuse_cross_site()
        csrf.protect()


def _refuse_cross_site() -> None:
    """Fetch metadata first; the Origin header from browsers that lack it."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in ("same-origin", "none"):
            abort(403, "This request came from another site.")
        return
    origin = request.headers.get("Origin")
    # As text: an Origin that cannot be parsed is not ours either.
    if origin is not None and origin.partition("://")[2] != request.host:
        abort(403, "This request came from another site.")


def sign_in(user: User) -> None:
    """Start a session with a new id; whatever the cookie held before is gone."""
    session.clear()
    row, token = BrowserSession.start(user, address=client_address(), client=client_name())
    session.permanent = True
    flask_login.login_user(SignedIn(row, token))
    g.session, g.user = row, user


def sign_out() -> None:
    if "session" in g:
        g.session.end()
    flask_login.logout_user()
    session.clear()


def signed_in_required(view: View[P]) -> View[P]:
    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if "user" not in g:
            return logins.unauthorized()
        return view(*args, **kwargs)

    return guarded


def member_required(view: View[P]) -> View[P]:
    """Set `g.member`: the person's place in the workspace of the address, or 404."""

    @wraps(view)
    @signed_in_required
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        g.member = Member.of_user(g.user, str(kwargs["workspace_id"]))
        return view(*args, **kwargs)

    return guarded


def requires(permission: str) -> Callable[[View[P]], View[P]]:
    """Let only members in whose role has this permission."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        @member_required
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            if not g.member.may(permission):
                raise NotAllowed(REFUSALS[permission])
            return view(*args, **kwargs)

        return guarded

    return decorate


REFUSALS = {
    "api_keys.manage": "API keys are managed by owners and admins. Ask one of them to create or change a key for you.",
    "jobs.see": "Background jobs are shown to owners. Ask one of them.",
    "members.manage": "People are managed by owners and admins. Ask one of them.",
    "workspace.mail": "Owners decide which team addresses get mail. Ask one of them.",
    "workspace.policy": "Owners decide what is asked of API keys here. Ask one of them.",
    "webhooks.manage": "Webhooks are managed by owners and admins. Ask one of them.",
    "workspace.rename": "The workspace is renamed by owners and admins. Ask one of them.",
}


def password_recently(view: View[P]) -> View[P]:
    """Ask for the password again before a POST that is hard to undo, when it was last given long ago."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if request.method == "POST":
            need_password()
        return view(*args, **kwargs)

    return guarded


def need_password() -> None:
    """Raise `PasswordNeeded` unless the password was given lately, or is given right now.

    The prompt carries the form along, so the action goes on with the password, in the same request.
    """
    if g.session.recently_confirmed:
        return
    given = request.form.get("password_again")
    if given is None:
        raise PasswordNeeded
    bucket = f"device:{g.session.id}"
    Throttle.check(bucket)
    if not g.user.knows(given):
        Throttle.fail(bucket)
        raise PasswordNeeded("That is not your password. Try again.")
    Throttle.clear(bucket)
    session["_user_id"] = g.session.confirm()


def actor() -> Actor:
    """The person at hand, as every verb wants to know them."""
    return g.member.as_actor(address=client_address(), request_id=request_id())


def client_address() -> str:
    return request.remote_addr or ""


def client_name() -> str:
    return request.headers.get("User-Agent", "")[:200]


def local_path(target: str | None) -> str | None:
    """The target, if it is a path of ours; everything else could lead away."""
    if not target or not target.startswith("/") or target[1:2] in ("/", "\\"):
        return None
    if any(ord(char) < 32 or char == "\\" or ord(char) == 127 for char in target):
        return None
    try:
        parts = urlsplit(target)
    except ValueError:
        return None
    return None if parts.scheme or parts.netloc else target
