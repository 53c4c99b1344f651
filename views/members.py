"""The people of a workspace: the list, adding and removing them, and the link with which they set a password."""

from flask import Blueprint, Response, current_app, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from models import ApiKey, Member, key_makers, role
from models.errors import Conflict, Invalid, NotAllowed
from models.member import INVITATION_LIFE
from views import access, htmx
from views.people_forms import PersonForm

bp = Blueprint("members", __name__, url_prefix="/w/<workspace_id>/settings/members")

BOTH = ("GET", "POST")
PAGE_SIZE = 50


@bp.get("")
@access.member_required
def index(workspace_id: str) -> ResponseReturnValue:
    # PostgreSQL refuses NUL even in what is searched for.
    search = request.args.get("q", "").replace("\0", "").strip()[:100]
    matching = Member.listed(workspace_id, search)
    found = matching.count()
    pages = max(1, -(-found // PAGE_SIZE))
    number = min(max(request.args.get("page", 1, type=int), 1), pages)
    return htmx.page(
        "members/index.html",
        members=list(matching.paginate(number, PAGE_SIZE)),
        search=search,
        found=found,
        number=number,
        pages=pages,
        page_url=lambda to: url_for(".index", workspace_id=workspace_id, q=search or None, page=to),
        touches=access.actor().touches,
        titles=role.TITLES,
        made_by=key_makers.counts(workspace_id, g.now) if g.member.may("api_keys.manage") else {},
    )


@bp.get("/<member_id>")
@access.member_required
def show(workspace_id: str, member_id: str) -> ResponseReturnValue:
    """A person has no page of their own: this is where Cancel of a prompt leads without JavaScript."""
    Member.find(workspace_id, member_id)
    return _to_list()


@bp.route("/new", methods=BOTH)
@access.requires("members.manage")
@access.password_recently
def new(workspace_id: str) -> ResponseReturnValue:
    form = PersonForm(data={"role": role.MEMBER})
    if not form.is_submitted():
        return _new_dialog(form)
    try:
        member = Member.add(g.member.workspace, **form.data, by=access.actor())
    except (Invalid, Conflict) as problem:
        form.blame(problem)
        return _new_dialog(form, problem.status)
    if member.role in role.SIGN_IN:
        return _link_dialog(member)
    flash(f"{member.name} is on record.")
    return _to_list()


@bp.route("/<member_id>/edit", methods=BOTH)
@access.requires("members.manage")
def edit(workspace_id: str, member_id: str) -> ResponseReturnValue:
    member = _touchable(member_id)
    form = PersonForm(obj=member)
    if member.user_id:
        # People sign in with it, so it is not a workspace's to change.
        del form.email
    if not form.is_submitted():
        return _edit_dialog(member, form)
    if form.text("role") != member.role:
        access.need_password()
    try:
        member.change(form.data, by=access.actor())
    except (Invalid, Conflict) as problem:
        form.blame(problem)
        return _edit_dialog(member, form, problem.status)
    flash(f"{member.name} is saved.")
    return _to_list()


@bp.route("/<member_id>/remove", methods=BOTH)
@access.requires("members.manage")
@access.password_recently
def remove(workspace_id: str, member_id: str) -> ResponseReturnValue:
    member = _touchable(member_id)
    if request.method != "POST":
        return _remove_dialog(member)
    try:
        member.remove(by=access.actor())
    except Conflict as problem:
        return _remove_dialog(member, problem)
    flash(f"{member.name} is removed.")
    return _to_list()


@bp.post("/<member_id>/link")
@access.requires("members.manage")
@access.password_recently
def link(workspace_id: str, member_id: str) -> ResponseReturnValue:
    return _link_dialog(_touchable(member_id))


def _touchable(member_id: str) -> Member:
    """The person, if their role is one that the person at hand may change."""
    member: Member = Member.find(g.member.workspace_id, member_id)
    if member.role not in access.actor().touches:
        raise NotAllowed("Owners are managed by owners. Ask one of them.")
    return member


def _to_list() -> ResponseReturnValue:
    return redirect(url_for(".index", workspace_id=g.member.workspace_id), 303)


def _new_dialog(form: PersonForm, status: int = 200) -> Response:
    return htmx.dialog("members/new.html", status=status, form=form, roles=_roles())


def _edit_dialog(member: Member, form: PersonForm, status: int = 200) -> Response:
    return htmx.dialog("members/edit.html", status=status, form=form, member=member, roles=_roles())


def _remove_dialog(member: Member, problem: Conflict | None = None) -> Response:
    return htmx.dialog(
        "members/remove.html",
        status=problem.status if problem else 200,
        member=member,
        problem=problem and problem.detail,
        keys=ApiKey.active_made_by(member, g.now),
        is_self=member.id == g.member.id,
    )


def _link_dialog(member: Member) -> Response:
    """Answers a POST without a redirect: the link is shown once, and only its hash is kept."""
    path = url_for("sessions.set_password", token=member.invite(by=access.actor()))
    return htmx.dialog(
        "members/link.html",
        status=201,
        member=member,
        link=current_app.config["SETTINGS"].base_url + path,
        days=INVITATION_LIFE.days,
    )


def _roles() -> list[tuple[str, str, str]]:
    """The roles that the person at hand may give, for a list of choices."""
    touches = access.actor().touches
    return [(each, role.TITLES[each], role.SUMMARIES[each]) for each in role.ROLES if each in touches]
