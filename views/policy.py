"""What the owners of a workspace ask of its keys, and what happens to a key that is found in public."""

import re
from dataclasses import fields

from flask import Blueprint, Response, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, HiddenField, StringField

from models import Workspace, policy_effect
from models.errors import Conflict, Invalid
from models.policy import MANAGERS, OWNERS, Policy, known
from models.tenancy import choose_leak_policy, choose_policy
from models.workspace import REVOKE, TELL
from views import access, htmx
from views.forms import PageForm, carried

bp = Blueprint("policy", __name__, url_prefix="/w/<workspace_id>/settings/policy")

CREATOR_CHOICES = [
    (MANAGERS, "Owners and admins", "Keys with admin:workspace can create keys too."),
    (OWNERS, "Owners only", "Admins and keys can still edit, rotate and revoke."),
]
LEAK_CHOICES = [
    (REVOKE, "Revoke it at once", "Whoever found it cannot use it, and what uses it today stops too. A mail says so."),
    (
        TELL,
        "Only tell us",
        "Everybody who manages keys gets a mail. The key keeps working until one of them revokes it.",
    ),
]
NO_NUMBER = -1


class PolicyForm(PageForm):
    longest_life_days = StringField("Longest life, in days")
    expiry_required = BooleanField("Every key must expire")
    admin_allowlist = BooleanField("Keys with admin:workspace need an IP allowlist")
    unused_days = StringField("Unused after, in days")
    rotation_days = StringField("Rotation due after, in days")
    staged_cleanup = BooleanField("Clean unused keys up in stages")
    creators = StringField("Who may create keys")
    # The policy that the form was made for.
    seen = HiddenField()

    def policy(self) -> Policy:
        """What was entered; `Invalid` with every mistake."""
        life = self.text("longest_life_days").strip()
        return known(
            Policy(
                longest_life_days=_number(life) if life else None,
                expiry_required=self.expiry_required.data,
                admin_allowlist=self.admin_allowlist.data,
                unused_days=_number(self.text("unused_days")),
                rotation_days=_number(self.text("rotation_days")),
                staged_cleanup=self.staged_cleanup.data,
                creators=self.text("creators"),
            )
        )


class LeakForm(PageForm):
    leak_policy = StringField("When a key is found in public", default="")


def shown(policy: Policy) -> PolicyForm:
    """The form with what holds now, whatever was sent."""
    form = PolicyForm()
    form.seen.data = policy.tag
    for each in fields(policy):
        value = getattr(policy, each.name)
        form[each.name].data = "" if value is None else value
    return form


@bp.get("")
@access.member_required
def show(workspace_id: str) -> ResponseReturnValue:
    return _page()


@bp.post("")
@access.requires("workspace.policy")
@access.password_recently
def save(workspace_id: str) -> ResponseReturnValue:
    """Save the policy; first tell whom it affects, if it does."""
    form, workspace = PolicyForm(), g.member.workspace
    if "back" in request.form:
        return _page(form)
    try:
        policy = form.policy()
    except Invalid as problem:
        form.blame(problem)
        return _page(form, status=422)
    if "anyway" not in request.form:
        effect = policy_effect.of(workspace, policy, g.now)
        if effect.anything:
            sent = carried("anyway", "back")
            return htmx.dialog("policy/affected.html", effect=effect, carried=sent, policy=policy)
    try:
        choose_policy(workspace, policy, by=access.actor(), seen=form.text("seen"))
    except Conflict as problem:
        form = shown(Workspace.known(workspace_id).policy)
        form.blame(problem)
        return _page(form, status=409)
    flash("The policy is saved.")
    return _to()


@bp.post("/leaks")
@access.requires("workspace.policy")
@access.password_recently
def leaks(workspace_id: str) -> ResponseReturnValue:
    """Say what happens to a key that is found in public."""
    form = LeakForm()
    try:
        choose_leak_policy(g.member.workspace, form.text("leak_policy"), by=access.actor())
    except Invalid as problem:
        form.blame(problem)
        return _page(leak_form=form, status=422)
    flash("The choice is saved.")
    return _to()


def _to() -> ResponseReturnValue:
    return redirect(url_for(".show", workspace_id=g.member.workspace_id), 303)


def _page(form: PolicyForm | None = None, leak_form: LeakForm | None = None, status: int = 200) -> Response:
    workspace = g.member.workspace
    return htmx.page(
        "policy/show.html",
        status=status,
        form=form or shown(workspace.policy),
        leak_form=leak_form or LeakForm(formdata=None, obj=workspace),
        policy=workspace.policy,
        limits=workspace.limits,
        creator_choices=CREATOR_CHOICES,
        leak_choices=LEAK_CHOICES,
        may_choose=g.member.may("workspace.policy"),
    )


def _number(text: str) -> int:
    """The number of days that was entered; one that no policy has, when it is none."""
    return int(text) if re.fullmatch(r"\s*[0-9]{1,6}\s*", text, re.ASCII) else NO_NUMBER
