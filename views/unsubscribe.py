"""Stop the daily mail without signing in: the link in each digest, and one click in the mail program (RFC 8058)."""

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from models import mail_recipients, unsubscribe
from views import htmx

bp = Blueprint("unsubscribe", __name__, url_prefix="/unsubscribe")


@bp.get("/<token>")
def ask(token: str) -> ResponseReturnValue:
    """Only shows: programs that look at every link in a mail must not stop it."""
    return _page(_recipient(token), token, done=False)


@bp.post("/<token>")
def stop(token: str) -> ResponseReturnValue:
    """The signature is the proof, so it needs no session, and comes from other sites too."""
    recipient = _recipient(token)
    unsubscribe.stop(recipient)
    return _page(recipient, token, done=True)


def _recipient(token: str) -> str:
    return unsubscribe.recipient_behind(token, current_app.config["SETTINGS"].secret_keys)


def _page(recipient: str, token: str, *, done: bool) -> ResponseReturnValue:
    whom = mail_recipients.known(recipient)
    return htmx.page("unsubscribe/show.html", whom=whom, token=token, done=done, is_team=recipient.startswith("team_"))
