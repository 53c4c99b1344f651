"""Where the link of a confirmation mail leads: whoever reads a team address says whether mail is wanted there."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from models import team_confirmation
from models.mail_choice import TeamAddress
from models.mail_kinds import KINDS
from views import htmx

bp = Blueprint("team_address", __name__, url_prefix="/team-address")


@bp.get("/<token>")
def ask(token: str) -> ResponseReturnValue:
    """Only shows: programs that look at every link in a mail must not answer it."""
    return _page(team_confirmation.behind(token), token, said="")


@bp.post("/<token>")
def confirm(token: str) -> ResponseReturnValue:
    """A list has no account, so the link is the proof, and works signed out."""
    return _page(team_confirmation.confirm(token), token, said="confirmed")


@bp.post("/<token>/decline")
def decline(token: str) -> ResponseReturnValue:
    return _page(team_confirmation.decline(token), token, said="declined")


def _page(team: TeamAddress, token: str, *, said: str) -> ResponseReturnValue:
    titles = [KINDS[name].title for name in team.kinds if name in KINDS]
    return htmx.page("team_address/show.html", team=team, titles=titles, token=token, said=said)
