"""Notifications: which mail a person gets and when, the team addresses of the workspace, and mail that is stuck."""

from typing import Any

from flask import Blueprint, Response, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import EmailField, SelectField

from models import (
    CalendarFeed,
    MailChoice,
    TeamAddress,
    TeamHour,
    dead_letters,
    mail_kinds,
    mail_preferences,
    mail_recipients,
    team_confirmation,
)
from models.errors import Invalid
from views import access, htmx
from views.forms import PageForm
from views.people_forms import ZoneForm

bp = Blueprint("notifications", __name__, url_prefix="/w/<workspace_id>/settings/notifications")


HOURS = [(str(hour), f"{hour:02}:00") for hour in range(24)]


class MineForm(PageForm):
    hour = SelectField("Hour", validate_choice=False)

    def __init__(self, chosen: int, **more: Any) -> None:
        super().__init__(data={"hour": str(chosen)}, **more)
        self.hour.choices = HOURS


class TeamHourForm(ZoneForm):
    hour = SelectField("Hour", validate_choice=False)

    def __init__(self, chosen: TeamHour, **more: Any) -> None:
        super().__init__(chosen.time_zone, {"hour": str(chosen.hour)}, **more)
        self.hour.choices = HOURS


class TeamForm(PageForm):
    address = EmailField("E-mail address", default="")


@bp.get("")
@access.member_required
def show(workspace_id: str) -> ResponseReturnValue:
    return _page()


@bp.post("")
@access.requires("api_keys.manage")
def choose(workspace_id: str) -> ResponseReturnValue:
    form = MineForm(mail_recipients.digest_hour(g.user))
    try:
        mail_preferences.choose(g.member, g.user, request.form.getlist("kinds"), _hour(form))
    except Invalid as problem:
        form.blame(problem)
        return _page(422, mine=form)
    flash("Your mail is set.")
    return _to()


@bp.post("/team-hour")
@access.requires("workspace.mail")
def choose_team_hour(workspace_id: str) -> ResponseReturnValue:
    """When the team addresses get the daily mail."""
    workspace = g.member.workspace
    form = TeamHourForm(TeamHour.of(workspace.id))
    try:
        mail_preferences.choose_team_hour(workspace, _hour(form), form.text("time_zone"), by=access.actor())
    except Invalid as problem:
        form.blame(problem)
        return _page(422, hour_form=form)
    flash("The hour of the team addresses is set.")
    return _to()


@bp.post("/team")
@access.requires("workspace.mail")
@access.password_recently
def add(workspace_id: str) -> ResponseReturnValue:
    """One more address to which what happens here is told."""
    form = TeamForm()
    try:
        team = team_confirmation.add(
            g.member.workspace, form.text("address"), request.form.getlist("kinds"), by=access.actor()
        )
    except Invalid as problem:
        form.blame(problem)
        return _page(422, team_form=form, wanted=request.form.getlist("kinds"), kinds_error=problem.errors.get("kinds"))
    flash(f"{team.address} is asked by mail. It gets nothing else before somebody there confirms.")
    return _to()


@bp.post("/team/<team_id>/ask-again")
@access.requires("workspace.mail")
def ask_again(workspace_id: str, team_id: str) -> ResponseReturnValue:
    """Another confirmation mail; the link in the one before stops working."""
    team: TeamAddress = TeamAddress.find(workspace_id, team_id)
    try:
        team_confirmation.ask_again(team, by=access.actor())
    except Invalid as problem:
        return _page(422, wrong_team=team.id, ask_error=problem.errors["address"])
    flash(f"{team.address} is asked once more.")
    return _to()


@bp.post("/team/<team_id>")
@access.requires("workspace.mail")
def change(workspace_id: str, team_id: str) -> ResponseReturnValue:
    team: TeamAddress = TeamAddress.find(workspace_id, team_id)
    try:
        team.choose(request.form.getlist("kinds"), by=access.actor())
    except Invalid as problem:
        return _page(422, wrong_team=team.id, kinds_error=problem.errors.get("kinds"))
    flash(f"The mail for {team.address} is set.")
    return _to()


@bp.post("/team/<team_id>/remove")
@access.requires("workspace.mail")
def remove(workspace_id: str, team_id: str) -> ResponseReturnValue:
    team: TeamAddress = TeamAddress.find(workspace_id, team_id)
    team.remove(by=access.actor())
    flash(f"{team.address} gets no mail any more.")
    return _to()


@bp.post("/mail/<mail_id>/send-again")
@access.requires("api_keys.manage")
def send_again(workspace_id: str, mail_id: str) -> ResponseReturnValue:
    mail = dead_letters.send_again(workspace_id, mail_id, by=access.actor())
    flash(f"The mail to {mail.address} is on its way again.")
    return _to("mail")


def _hour(form: PageForm) -> int:
    hour = form.text("hour")
    if not (hour.isascii() and hour.isdigit() and len(hour) < 3):
        raise Invalid(hour="Choose an hour of the day.")
    return int(hour)


def _to(anchor: str | None = None) -> ResponseReturnValue:
    return redirect(url_for(".show", workspace_id=g.member.workspace_id, _anchor=anchor), 303)


def _page(
    status: int = 200,
    *,
    mine: MineForm | None = None,
    team_form: TeamForm | None = None,
    wanted: list[str] | None = None,
    wrong_team: str = "",
    kinds_error: str | None = None,
    ask_error: str | None = None,
    hour_form: TeamHourForm | None = None,
) -> Response:
    manages = g.member.may("api_keys.manage")
    team_hour = TeamHour.of(g.member.workspace_id)
    off = MailChoice.off_for(g.member.id)
    return htmx.page(
        "notifications/show.html",
        status=status,
        wrong=status == 422,
        manages=manages,
        may_choose=g.member.may("workspace.mail"),
        mine=mine or MineForm(mail_recipients.digest_hour(g.user), formdata=None),
        chosen=set(request.form.getlist("kinds")) if mine else set(mail_kinds.DIGESTS) - off,
        kinds=mail_kinds.OFFERED,
        title_of=mail_kinds.title,
        digests=mail_kinds.DIGESTS,
        securities=mail_kinds.SECURITIES,
        team_form=team_form or TeamForm(formdata=None),
        wanted=set(mail_kinds.OFFERED) if wanted is None else set(wanted),
        teams=TeamAddress.listed(g.member.workspace_id) if manages else [],
        wrong_team=wrong_team,
        kinds_error=kinds_error,
        ask_error=ask_error,
        team_hour=team_hour,
        hour_form=hour_form or TeamHourForm(team_hour, formdata=None),
        feed=CalendarFeed.of(g.member),
        letters=dead_letters.of(g.member.workspace_id) if manages else [],
    )
