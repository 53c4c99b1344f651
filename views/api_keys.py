"""The API keys of a workspace: the list, each key's page, and what owners and admins do with keys."""

from flask import Blueprint, Response, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from models import (
    ApiKey,
    KeySecret,
    Workspace,
    gone,
    key_copy,
    key_grant,
    key_list,
    key_settings,
    plan_fit,
    scope,
    secret,
)  # fmt: skip
from models.errors import AlreadyDone, Conflict, Invalid, PlanLimit
from models.key_settings import KeySettings
from models.plan import Plan
from models.policy import Limits, misfits
from views import key_forms, key_history, key_impact, key_page, key_refusals, key_times, key_usage
from views.access import actor, client_address, need_password, password_recently, requires
from views.htmx import dialog, page
from views.key_forms import KeyForm, RevokeForm
from views.key_reveal import already, reveal, to_page

bp = Blueprint("api_keys", __name__, url_prefix="/w/<workspace_id>/settings/api-keys")

BOTH = ("GET", "POST")
LIVE = "Only a revoked or expired key can be deleted. Revoke it first."


@bp.get("")
@requires("api_keys.manage")
def index(workspace_id: str) -> ResponseReturnValue:
    search = _searchable(request.args.get("q", ""))
    if secret.FORM.fullmatch(search):
        # A key that was pasted whole leaves the address at once.
        return redirect(url_for(".index", workspace_id=workspace_id, q=secret.Secret(search).hint), 303)
    if search.startswith("req_") and (place := key_refusals.page_of(workspace_id, search)):
        return redirect(place, 303)
    shown = _one_of(key_list.FILTERS, request.args.get("status"))
    sort = _one_of(key_list.SORTS, request.args.get("sort"))
    number = request.args.get("page", 1, type=int)
    found = key_list.listed(workspace_id, g.now, search=search, status=shown, sort=sort, page=number)
    return page(
        "api_keys/index.html",
        **key_usage.of_list(found.keys),
        found=found,
        retiring=KeySecret.retiring([key.id for key in found.keys], g.now),
        filters=key_list.FILTERS,
        sorts=key_list.SORTS,
        search=search,
        shown=shown,
        sort=sort,
        plan=_plan(),
        off_policy=lambda key: misfits(key, _limits().policy, g.now) if key.is_live(g.now) else {},
        misfits=lambda key: plan_fit.misfits(key, _plan(), g.now),
        now=g.now,
    )


@bp.get("/<key_id>")
@requires("api_keys.manage")
def show(workspace_id: str, key_id: str) -> ResponseReturnValue:
    return page("api_keys/show.html", **key_page.told(ApiKey.find(workspace_id, key_id), _plan(), g.now))


@bp.route("/new", methods=BOTH)
@requires("api_keys.manage")
@password_recently
def new(workspace_id: str) -> ResponseReturnValue:
    key_grant.may_create(actor(), _limits().policy)
    if request.method == "POST":
        return _create(KeyForm())
    plan, limits = _plan(), _limits()
    if plan.active_keys is not None and ApiKey.active(workspace_id, g.now).count() >= plan.active_keys:
        return dialog("api_keys/full.html", plan=plan)
    if "copy" in request.args:
        copied = _searchable(request.args["copy"])
        original = gone.key(workspace_id, copied) or ApiKey.find(workspace_id, copied)
        return _ask_new(key_forms.copying(key_copy.like(original, limits, g.now), limits))
    return _ask_new(key_forms.blank(limits, scope.preset(request.args.get("preset", ""))))


def _create(form: KeyForm) -> Response:
    try:
        settings = form.settings(_limits())
        key, made = ApiKey.issue(g.member.workspace, settings, by=actor(), form_id=key_forms.form_id())
    except (Invalid, PlanLimit) as problem:
        form.blame(problem)
        return _ask_new(form, problem.status)
    except AlreadyDone as problem:
        return already("created", ApiKey.find(g.member.workspace_id, problem.key_id))
    return reveal(key, made)


@bp.route("/<key_id>/edit", methods=BOTH)
@requires("api_keys.manage")
def edit(workspace_id: str, key_id: str) -> ResponseReturnValue:
    key = key_forms.live(workspace_id, key_id)
    if request.method != "POST" or "back" in request.form:
        return _ask_edit(key, key_forms.editing(key))
    form = KeyForm()
    try:
        settings = form.settings(_limits(), key.settings)
        if asked := key_impact.asks_before_saving(key, settings):
            return asked
        _save(key, settings)
    except (Invalid, PlanLimit) as problem:
        form.blame(problem)
        return _ask_edit(key, form, problem.status)
    except Conflict as problem:
        return _ask_again(key_forms.live(workspace_id, key_id), form, settings, problem)
    flash(f"{key.name} is saved.")
    return to_page(key)


def _save(key: ApiKey, settings: KeySettings) -> None:
    version = key_forms.version()
    # To give a key more is like making one. A form that is out of date is refused before the password is asked.
    if key.version == version and key_settings.widens(key.settings, settings):
        need_password()
    key.edit(settings, version=version, by=actor())


@bp.post("/<key_id>/disable")
@requires("api_keys.manage")
def disable(workspace_id: str, key_id: str) -> ResponseReturnValue:
    key = ApiKey.find(workspace_id, key_id)
    if asked := key_impact.asks_before_disabling(key):
        return asked
    key.disable(by=actor())
    flash(f"{key.name} is disabled.")
    return to_page(key)


@bp.post("/<key_id>/enable")
@requires("api_keys.manage")
@password_recently
def enable(workspace_id: str, key_id: str) -> ResponseReturnValue:
    key = ApiKey.find(workspace_id, key_id)
    key.enable(by=actor())
    flash(f"{key.name} is enabled.")
    return to_page(key)


@bp.route("/<key_id>/revoke", methods=BOTH)
@requires("api_keys.manage")
@password_recently
def revoke(workspace_id: str, key_id: str) -> ResponseReturnValue:
    key, form = ApiKey.find(workspace_id, key_id), RevokeForm()
    if request.method != "POST":
        return key_impact.ask_to_revoke(key_forms.live(workspace_id, key_id), form)
    try:
        if not form.confirms(key.name):
            raise Invalid(confirm="Type the name exactly as it is shown.")
        key.revoke(by=actor(), reason=form.reason.data or "", note=form.note.data or "")
    except Invalid as problem:
        form.blame(problem)
        return key_impact.ask_to_revoke(key, form, 422)
    flash(f"{key.name} is revoked.")
    return to_page(key)


@bp.route("/<key_id>/delete", methods=BOTH)
@requires("api_keys.manage")
@password_recently
def delete(workspace_id: str, key_id: str) -> ResponseReturnValue:
    key = ApiKey.find(workspace_id, key_id)
    if request.method != "POST":
        if key.is_live(g.now):
            raise Conflict(LIVE)
        return dialog("api_keys/delete.html", key=key)
    key.delete(by=actor())
    flash(f"{key.name} is deleted.")
    return redirect(url_for(".index", workspace_id=workspace_id), 303)


def _plan() -> Plan:
    workspace: Workspace = g.member.workspace
    return workspace.plan


def _limits() -> Limits:
    workspace: Workspace = g.member.workspace
    return workspace.limits


def _searchable(text: str) -> str:
    """Control characters are in no name and no id, and PostgreSQL refuses NUL even in a question."""
    return "".join(char for char in text if char >= " ").strip()[:100]


def _one_of(known: dict[str, str], wanted: str | None) -> str:
    return wanted if wanted in known else next(iter(known))


def _ask_new(form: KeyForm, status: int = 200) -> Response:
    return dialog("api_keys/new.html", status=status, presets=scope.PRESETS, **_form_context(form))


def _ask_edit(key: ApiKey, form: KeyForm, status: int = 200, **context: object) -> Response:
    return dialog("api_keys/edit.html", status=status, key=key, **_form_context(form, key.settings), **context)


def _ask_again(key: ApiKey, form: KeyForm, settings: KeySettings, problem: Conflict) -> Response:
    """What was entered, beside what someone else stored meanwhile; to send it again replaces that knowingly."""
    form.version.data = str(key.version)
    changes = key_settings.changes(key.settings, settings)
    return _ask_edit(key, form, 409, problem=problem.detail, differences=key_history.differences(changes))


def _form_context(form: KeyForm, before: KeySettings | None = None) -> dict[str, object]:
    limits = _limits()
    return {
        "form": form,
        "before": before,
        "plan": limits.plan,
        "limits": limits,
        "scope": scope,
        **key_times.choices(limits, before),
        "address": client_address(),
    }
