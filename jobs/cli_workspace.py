"""`flask workspace`: make workspaces, list them, change their plan and their policy."""

import sys
from dataclasses import asdict, replace
from typing import Any

import click

from jobs.terminal import Commands, json_option, show, show_list
from models import ApiKey, Member, User, Workspace, plan_fit, policy_effect, tenancy
from models.actor import COMMAND_LINE
from models.database import now, transaction
from models.errors import Invalid, NotFound
from models.policy import CREATORS, known
from models.policy_effect import Effect
from models.user import email_address, person_name
from models.workspace import known_plan, workspace_name


class Days(click.ParamType):
    """A number of days, or none."""

    name = "DAYS|none"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        # 0 stands for none; a policy has no such number.
        return 0 if value == "none" else int(click.IntRange(min=1).convert(value, param, ctx))


group = Commands("workspace", help="Make workspaces, list them, change their plan and their policy.")


@group.command("create")
@click.option("--name", required=True, help="The name of the workspace.")
@click.option("--plan", default="team", show_default=True, help="free, team, business or enterprise.")
@click.option("--owner-email", required=True, help="Who owns it. Somebody who signs in already keeps their password.")
@click.option("--owner-name", help="The name of a new owner.")
@click.option("--password-stdin", is_flag=True, help="Read the password of a new owner from standard input.")
@json_option
def create(name: str, plan: str, owner_email: str, owner_name: str | None, password_stdin: bool, as_json: bool) -> None:
    """Make a workspace and its first owner."""
    name, plan, email = workspace_name(name), known_plan(plan), email_address(owner_email)
    owner = User.by_email(email)
    password = "" if owner else _password(password_stdin)
    with transaction():
        owner = owner or _new_user(email, owner_name, password)
        workspace = tenancy.found_workspace(name, plan, owner, by=COMMAND_LINE)
    facts = {"workspace_id": workspace.id, "user_id": owner.id, "name": name, "plan": plan, "owner": owner.email}
    show(as_json, facts)


@group.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """All workspaces, oldest first."""
    rows = [_facts(each) for each in Workspace.select().order_by(Workspace.created_at, Workspace.id)]
    columns = ["id", "name", "plan", "members", "active_keys", "created_at"]
    show_list(as_json, rows, columns, "There is no workspace yet.")


@group.command("plan")
@click.argument("workspace_id", metavar="ID")
@click.argument("plan", metavar="PLAN")
@json_option
def change_plan(workspace_id: str, plan: str, as_json: bool) -> None:
    """Move a workspace to another plan."""
    workspace = find(workspace_id)
    tenancy.change_plan(workspace, plan, by=COMMAND_LINE)
    fit = plan_fit.fit(workspace, now())
    over = {"keys_beyond_the_plan": fit.beyond, "keys_over_the_plan": [key.id for key in fit.over]}
    said = f"{workspace.name} is on the {workspace.plan.title} plan."
    if not fit.fits:
        said += f" Over it: {fit.beyond} keys too many, {fit.over_count} keys that do not fit. All keep working."
    show(as_json, _facts(workspace) | over, said)


@group.command("policy")
@click.argument("workspace_id", metavar="ID")
@click.option("--longest-life", type=Days(), metavar=Days.name, help="The longest life of a key in days, or none.")
@click.option("--expiry-required/--expiry-optional", default=None, help="Whether every key must expire.")
@click.option("--admin-allowlist/--no-admin-allowlist", default=None, help="For keys with admin:workspace.")
@click.option("--unused-after", "unused_days", type=int, metavar="DAYS", help="When a key counts as unused.")
@click.option("--rotation-after", "rotation_days", type=int, metavar="DAYS", help="When a secret is to be replaced.")
@click.option("--creators", help=f"Who may create keys: {' or '.join(CREATORS)}.")
@click.option("--staged-cleanup/--no-staged-cleanup", default=None, help="Whether unused keys are cleaned up.")
@click.option("--dry-run", is_flag=True, help="Only tell whom it would affect.")
@json_option
def policy(workspace_id: str, longest_life: int | None, dry_run: bool, as_json: bool, **chosen: Any) -> None:
    """Show what is asked of keys, or change it. Says whom the change affects; no key stops working for it."""
    workspace = find(workspace_id)
    given = {name: value for name, value in chosen.items() if value is not None}
    if longest_life is not None:
        given["longest_life_days"] = longest_life or None
    wanted = known(replace(workspace.policy, **given))
    effect = policy_effect.of(workspace, wanted, now())
    if not dry_run:
        tenancy.choose_policy(workspace, wanted, by=COMMAND_LINE, seen=workspace.policy.tag)
    show(as_json, asdict(wanted) | {"saved": bool(given) and not dry_run, **_effect(effect)})


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "keys_that_would_not_fit": [key.id for key, _ in effect.over],
        "keys_that_would_not_fit_count": effect.over_count,
        "keys_to_be_flagged": [key.id for key in effect.flagged],
        "keys_to_be_flagged_count": effect.flagged_count,
        "keys_to_be_revoked": [key.id for key in effect.aside],
        "keys_to_be_revoked_count": effect.aside_count,
        "more_unused": effect.unused,
        "more_due_for_rotation": effect.rotation_due,
        "who_could_not_create": effect.people,
    }


def find(workspace_id: str) -> Workspace:
    workspace = Workspace.get_or_none(Workspace.id == workspace_id)
    if workspace is None:
        raise NotFound(f"There is no workspace {workspace_id!r}.")
    return workspace


def _facts(workspace: Workspace) -> dict[str, Any]:
    return {
        "id": workspace.id,
        "name": workspace.name,
        "plan": workspace.plan_slug,
        "created_at": workspace.created_at,
        "members": Member.in_workspace(workspace.id).count(),
        "active_keys": ApiKey.active(workspace.id, now()).count(),
    }


def _new_user(email: str, name: str | None, password: str) -> User:
    if name is None:
        raise click.UsageError("Give the name of the new owner with --owner-name.")
    try:
        return User.register(email, person_name(name), password)
    except Invalid as problem:
        raise Invalid({f"owner {field}": message for field, message in problem.errors.items()}) from problem


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("Give the password of the new owner with --password-stdin.")
    password: str = click.prompt("Password of the new owner", hide_input=True, confirmation_prompt=True)
    return password
