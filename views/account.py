"""A person's own account: password, time zone, the sessions of their browsers and their workspaces."""

import re

from flask import Blueprint, Response, flash, g, redirect, session, url_for
from flask.typing import ResponseReturnValue

from models import BrowserSession, Member, Throttle, mail_preferences
from models.errors import Invalid, Throttled
from views import access, htmx
from views.people_forms import PasswordForm, ZoneForm

bp = Blueprint("account", __name__, url_prefix="/account")

# Browsers name themselves after all their ancestors, so the first match in this order counts.
BROWSERS = {
    "Edge": r"\bEdg(?:e|A|iOS)?/",
    "Opera": r"\b(?:OPR|Opera)/",
    "Samsung Internet": r"\bSamsungBrowser/",
    "Firefox": r"\b(?:Firefox|FxiOS)/",
    "Chrome": r"\b(?:Chrome|Chromium|CriOS|HeadlessChrome)/",
    "Safari": r"\bSafari/",
}
SYSTEMS = {
    "Android": r"\bAndroid\b",
    "iPhone": r"\biPhone\b",
    "iPad": r"\biPad\b",
    "Windows": r"\bWindows\b",
    "macOS": r"\bMac OS X\b",
    "ChromeOS": r"\bCrOS\b",
    "Linux": r"\b(?:Linux|X11)\b",
}


@bp.get("")
@access.signed_in_required
def show() -> ResponseReturnValue:
    return _page()


@bp.post("/password")
@access.signed_in_required
def password() -> ResponseReturnValue:
    form = PasswordForm()
    if not form.validate():
        return _page(422, password_form=form)
    try:
        _change_password(form)
    except Throttled as problem:
        form.blame(Invalid(current=problem.detail))
        response = _page(429, password_form=form)
        response.headers["Retry-After"] = str(problem.retry_after)
        return response
    except Invalid as problem:
        form.blame(problem)
        return _page(422, password_form=form)
    flash("Your password is changed. Your other sessions have ended.")
    return redirect(url_for(".show"), 303)


@bp.post("/time-zone")
@access.signed_in_required
def zone() -> ResponseReturnValue:
    form = ZoneForm(g.user.time_zone)
    try:
        mail_preferences.choose_zone(g.user, form.text("time_zone"))
    except Invalid as problem:
        form.blame(problem)
        return _page(422, zone_form=form)
    flash("Times are shown in your time zone.")
    return redirect(url_for(".show"), 303)


@bp.post("/sessions/<session_id>/end")
@access.signed_in_required
def end_session(session_id: str) -> ResponseReturnValue:
    BrowserSession.end_one(g.user, session_id)
    flash("That session has ended.")
    return redirect(url_for(".show"), 303)


@bp.post("/sessions/end-others")
@access.signed_in_required
def end_others() -> ResponseReturnValue:
    ended = BrowserSession.end_all(g.user, but=g.session)
    flash("1 other session has ended." if ended == 1 else f"{ended} other sessions have ended.")
    return redirect(url_for(".show"), 303)


def _page(status: int = 200, **forms: PasswordForm | ZoneForm) -> Response:
    # There is no workspace in this address; the menu shows the one that the person joined first.
    g.member = Member.first_of(g.user)
    shown = {"password_form": PasswordForm(formdata=None), "zone_form": ZoneForm(g.user.time_zone), **forms}
    return htmx.page(
        "account/show.html",
        status=status,
        wrong=any(form.errors for form in forms.values()),
        sessions=BrowserSession.of(g.user),
        memberships=Member.all_of(g.user),
        client_words=client_words,
        **shown,
    )


def _change_password(form: PasswordForm) -> None:
    """Change it, and give this session another token. Guesses are slowed down as at every confirmation."""
    bucket = f"device:{g.session.id}"
    Throttle.check(bucket)
    try:
        session["_user_id"] = g.session.change_password(form.text("current"), form.text("new"))
    except Invalid as problem:
        if "current" in problem.errors:
            Throttle.fail(bucket)
        raise
    Throttle.clear(bucket)


def client_words(client: str) -> str:
    """A User-Agent header in a few words, such as "Chrome on Linux"."""
    browser = next((name for name, sign in BROWSERS.items() if re.search(sign, client)), "")
    system = next((name for name, sign in SYSTEMS.items() if re.search(sign, client)), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "Unknown browser"
