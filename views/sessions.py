"""Signing in and out, the link with which a new person sets a password, and the theme of the pages."""

import contextlib
import secrets

from flask import Blueprint, Flask, Request, Response, current_app, flash, g, redirect, request, url_for
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from itsdangerous import BadData, URLSafeSerializer
from werkzeug.wrappers import Response as BaseResponse

from models import Invitation, Throttle, User, mail_preferences, network
from models.errors import Invalid, Throttled
from models.user import email_address
from views import access, home, htmx
from views.frame import PROGRAMS
from views.people_forms import SetPasswordForm, SignInForm

bp = Blueprint("sessions", __name__)

WITHOUT_SESSION = (*PROGRAMS, "/healthz", "/metrics", "/readyz", "/static/")
YEAR = 365 * 24 * 3600


class PageSessions(SecureCookieSessionInterface):
    """Flask's signed cookie, for pages alone: elsewhere none is read, and none is set."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if request.path.startswith(WITHOUT_SESSION):
            return self.make_null_session(app)
        return super().open_session(app, request)


@bp.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    target = access.local_path(request.values.get("next"))
    if "user" in g:
        return redirect(target or url_for("home.index"), 303)
    form = SignInForm()
    if not form.is_submitted():
        return _login_page(form, target)
    try:
        user = _proven(form)
    except Throttled as problem:
        form.blame(problem)
        return _wait(_login_page(form, target, 429), problem)
    if user is None:
        return _login_page(form, target, 422)
    return _welcome(user, form.text("time_zone_guess"), target)


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    access.sign_out()
    return redirect(url_for(".login"), 303)


@bp.route("/set-password", methods=["GET", "POST"])
def set_password() -> ResponseReturnValue:
    form = SetPasswordForm()
    invitation = Invitation.behind(form.text("token") or request.args.get("token", ""))
    known = User.by_email(invitation.member.email) is not None
    if not form.is_submitted():
        return _set_password_page(invitation, form, known)
    if not form.validate():
        return _set_password_page(invitation, form, known, 422)
    try:
        user = _accepted(invitation, form.text("password"), known)
    except Throttled as problem:
        form.blame(problem)
        return _wait(_set_password_page(invitation, form, known, 429), problem)
    except Invalid as problem:
        form.blame(problem)
        return _set_password_page(invitation, form, known, 422)
    access.sign_out()
    response = _welcome(user, form.text("time_zone_guess"), home.start_of(invitation.member))
    flash(f"You are in {invitation.member.workspace.name} now.")
    return response


@bp.post("/theme")
def theme() -> ResponseReturnValue:
    response = redirect(access.local_path(request.form.get("next")) or url_for("home.index"), 303)
    chosen = request.form.get("theme", "")
    if chosen in ("light", "dark"):
        _set_cookie(response, "theme", chosen)
    else:
        response.delete_cookie("theme")
    return response


def _login_page(form: SignInForm, target: str | None, status: int = 200) -> Response:
    return htmx.page("sessions/login.html", status=status, form=form, next=target or "")


def _set_password_page(invitation: Invitation, form: SetPasswordForm, known: bool, status: int = 200) -> Response:
    """The form for a new password; for the one of the account, when the address has one already."""
    form.token.data = form.text("token") or request.args.get("token", "")
    return htmx.page("sessions/set_password.html", status=status, form=form, member=invitation.member, known=known)


def _proven(form: SignInForm) -> User | None:
    """The person, if e-mail address and password go together; else the form says what is wrong."""
    if not form.validate():
        return None
    try:
        email = email_address(form.text("email"))
    except Invalid as problem:
        form.blame(problem)
        return None
    buckets = _buckets(email)
    Throttle.check(*buckets)
    user = User.with_password(email, form.text("password"))
    if user is None:
        Throttle.fail(*buckets)
        # The same words whether the address is known or not.
        form.form_errors.append("This e-mail address and password do not go together.")
        return None
    Throttle.clear(buckets[0])
    return user


def _accepted(invitation: Invitation, password: str, known: bool) -> User:
    """Accept the invitation. Guesses at the password of an existing account count as at sign-in."""
    if not known:
        return invitation.accept(password)
    buckets = _buckets(invitation.member.email)
    Throttle.check(*buckets)
    try:
        user = invitation.accept(password)
    except Invalid:
        Throttle.fail(*buckets)
        raise
    Throttle.clear(buckets[0])
    return user


def _welcome(user: User, zone_guess: str, target: str | None) -> ResponseReturnValue:
    """Start the session, remember the browser, learn the time zone, and go on."""
    access.sign_in(user)
    if user.time_zone == "UTC" and zone_guess:
        # Only a guess of the browser; the account page has the list.
        with contextlib.suppress(Invalid):
            mail_preferences.choose_zone(user, zone_guess)
    response = redirect(target or url_for("home.index"), 303)
    _set_cookie(response, _device_name(), _signer().dumps([user.id, secrets.token_urlsafe(16)]))
    return response


def _buckets(email: str) -> tuple[str, ...]:
    """Where failures count: per person and per address.

    A browser in which this person signed in before has a count of its own in place of both, so that nobody can
    lock an owner out by failing on purpose, from the same office either.
    """
    user_id, nonce = _known_device()
    user = User.by_email(email) if user_id else None
    known = user is not None and user.id == user_id
    return (f"device:{nonce}",) if known else (f"account:{email}", f"address:{_neighbourhood()}")


def _neighbourhood() -> str:
    """The client's address; of IPv6 the network, since one household has 2^64 addresses."""
    try:
        address = network.normal_address(access.client_address())
    except ValueError:
        return "unknown"
    return str(address) if address.version == 4 else str(network.parse_list(f"{address}/64")[0])


def _known_device() -> tuple[str, str]:
    """Whose browser this is by its cookie, and the number of the browser; empty where there is none."""
    try:
        user_id, nonce = _signer().loads(request.cookies.get(_device_name(), ""))
    except (BadData, ValueError, TypeError):
        return "", ""
    return str(user_id), str(nonce)


def _signer() -> URLSafeSerializer:
    config = current_app.config
    # The last key signs; the older ones are still believed.
    return URLSafeSerializer([*config["SECRET_KEY_FALLBACKS"], config["SECRET_KEY"]], salt="device")


def _device_name() -> str:
    return "__Host-device" if current_app.config["SETTINGS"].https else "device"


def _set_cookie(response: BaseResponse, name: str, value: str) -> None:
    https = current_app.config["SETTINGS"].https
    response.set_cookie(name, value, max_age=YEAR, httponly=True, secure=https, samesite="Lax")


def _wait(response: Response, problem: Throttled) -> Response:
    response.headers["Retry-After"] = str(problem.retry_after)
    return response
