"""`flask key`: make API keys, look at them, rotate, revoke and delete them."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import click

from jobs import cli_workspace
from jobs.terminal import Commands, Moment, json_option, show, show_list
from models import ApiKey, KeySecret, PepperCheck, scope
from models.actor import COMMAND_LINE
from models.database import now
from models.errors import NotFound
from models.key_rotation import OVERLAPS
from models.key_settings import FURTHEST, REASONS, KeySettings
from models.secret import Secret

OVERLAP = "How long the old secret works on; never longer than the key."
MORE = "How long the old secret works from now on; never longer than the key."

group = Commands("key", help="Make API keys, look at them, rotate, revoke and delete them.")


class Expiration(Moment):
    """30d, 90d, never, or a time."""

    name = "30d|90d|never|TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "never" or isinstance(value, datetime):
            return value
        if days := re.fullmatch(r"([0-9]{1,5})d", value):
            # A longer life than the rules allow is theirs to refuse; here it must only be a date.
            return now() + min(timedelta(days=int(days.group(1))), FURTHEST + timedelta(days=1))
        return super().convert(value, param, ctx)


@group.command("create")
@click.option("--workspace", "workspace_id", required=True, metavar="ID", help="The workspace that it belongs to.")
@click.option("--name", required=True, help="What it is for.")
@click.option("--scope", "scopes", multiple=True, required=True, help=f"Any of: {', '.join(scope.SCOPES)}. Repeatable.")
@click.option("--expires", required=True, type=Expiration(), metavar=Expiration.name, help="When it ends.")
@click.option("--starts", type=Moment(), help="When it begins to work; at once by default.")
@click.option("--allow-ip", "networks", multiple=True, metavar="CIDR", help="From where it may be used. Repeatable.")
@click.option("--note", default="", help="Whom to ask, where it is used.")
@json_option
def create(
    workspace_id: str,
    name: str,
    scopes: tuple[str, ...],
    expires: datetime | str,
    starts: datetime | None,
    networks: tuple[str, ...],
    note: str,
    as_json: bool,
) -> None:
    """Make a key. Its secret is printed now and never again."""
    settings = KeySettings(
        name=name,
        note=note,
        scopes=frozenset(" ".join(scopes).replace(",", " ").split()),
        networks=networks,
        starts_at=starts,
        expires_at=expires if isinstance(expires, datetime) else None,
    )
    PepperCheck.hold()
    key, made = ApiKey.issue(cli_workspace.find(workspace_id), settings, by=COMMAND_LINE)
    _show_secret(as_json, key, made)


@group.command("list")
@click.option("--workspace", "workspace_id", required=True, metavar="ID", help="Whose keys.")
@json_option
def list_all(workspace_id: str, as_json: bool) -> None:
    """The keys of a workspace, newest first."""
    workspace = cli_workspace.find(workspace_id)
    keys = list(ApiKey.in_workspace(workspace.id).order_by(ApiKey.created_at.desc(), ApiKey.id))
    old = KeySecret.retiring([key.id for key in keys], now())
    columns = ["id", "name", "state", "secret", "scopes", "expires_at", "last_used_at"]
    show_list(as_json, [_facts(key, old.get(key.id)) for key in keys], columns, "There is no key yet.")


@group.command("show")
@click.argument("key_id", metavar="ID")
@json_option
def show_one(key_id: str, as_json: bool) -> None:
    """All that is known of a key."""
    show(as_json, _facts(_find(key_id), KeySecret.retiring_of(key_id, now())))


@group.command("rotate")
@click.argument("key_id", metavar="ID")
@click.option("--overlap", default="none", show_default=True, type=click.Choice(list(OVERLAPS)), help=OVERLAP)
@json_option
def rotate(key_id: str, overlap: str, as_json: bool) -> None:
    """Give a key a new secret, printed now and never again. The old one stops working after the overlap."""
    PepperCheck.hold()
    key = _find(key_id)
    made = key.rotate(by=COMMAND_LINE, overlap=overlap, seen=KeySecret.current_of(key.id).id)
    old = KeySecret.retiring_of(key.id, now())
    _show_secret(as_json, key, made, {"old_secret_ends_at": old and old.ends_at})


@group.command("finish-rotation", short_help="Stop the old secret of a rotation early.")
@click.argument("key_id", metavar="ID")
@json_option
def finish_rotation(key_id: str, as_json: bool) -> None:
    """Stop the old secret of a rotation before its overlap is over."""
    key = _find(key_id)
    key.finish_rotation(by=COMMAND_LINE, seen=_old(key))
    show(as_json, _facts(_find(key_id)), f"The old secret of {key.name} has stopped working.")


@group.command("extend-rotation", short_help="Give the old secret of a rotation more time.")
@click.argument("key_id", metavar="ID")
@click.option("--overlap", required=True, type=click.Choice([each for each in OVERLAPS if each != "none"]), help=MORE)
@json_option
def extend_rotation(key_id: str, overlap: str, as_json: bool) -> None:
    """Let the old secret of a rotation work longer, counted from now."""
    key = _find(key_id)
    end = key.extend_rotation(by=COMMAND_LINE, overlap=overlap, seen=_old(key))
    words = f"The old secret of {key.name} works until {end:%Y-%m-%d %H:%M} UTC."
    show(as_json, _facts(_find(key_id), KeySecret.retiring_of(key_id, now())), words)


@group.command("undo-rotation")
@click.argument("key_id", metavar="ID")
@json_option
def undo_rotation(key_id: str, as_json: bool) -> None:
    """Make the old secret of a rotation the current one again. The new one stops at once."""
    key = _find(key_id)
    key.undo_rotation(by=COMMAND_LINE, seen=_old(key))
    show(as_json, _facts(_find(key_id)), f"The rotation of {key.name} is undone.")


@group.command("revoke")
@click.argument("key_id", metavar="ID")
@click.option("--reason", default="unneeded", show_default=True, help=f"One of: {', '.join(REASONS)}.")
@click.option("--note", default="", help="What the history should tell besides.")
@json_option
def revoke(key_id: str, reason: str, note: str, as_json: bool) -> None:
    """End a key for good."""
    key = _find(key_id)
    key.revoke(by=COMMAND_LINE, reason=reason, note=note)
    show(as_json, _facts(_find(key_id)), f"{key.name} is revoked.")


@group.command("delete")
@click.argument("key_id", metavar="ID")
@json_option
def delete(key_id: str, as_json: bool) -> None:
    """Take a revoked or expired key off the list."""
    key = _find(key_id)
    key.delete(by=COMMAND_LINE)
    show(as_json, {"id": key.id, "deleted": True}, f"{key.name} is deleted.")


def _find(key_id: str) -> ApiKey:
    key = ApiKey.get_or_none(ApiKey.id == key_id, ApiKey.deleted_at.is_null())
    if key is None:
        raise NotFound(f"There is no key {key_id!r}.")
    return key


def _old(key: ApiKey) -> str | None:
    old = KeySecret.retiring_of(key.id, now())
    return old.id if old else None


def _show_secret(as_json: bool, key: ApiKey, made: Secret, more: Mapping[str, Any] | None = None) -> None:
    """The one way out for a secret on the command line."""
    facts = {"id": key.id, "name": key.name, "expires_at": key.expires_at, **(more or {}), "secret": made.reveal()}
    show(as_json, facts)
    if not as_json:
        click.echo("Store the secret now: it is not shown again.", err=True)


def _facts(key: ApiKey, old: KeySecret | None = None) -> dict[str, Any]:
    """What the commands tell of a key, and of the old secret that still works."""
    if not key.is_live(now()):
        old = None
    return {
        "id": key.id,
        "workspace_id": key.workspace_id,
        "name": key.name,
        "note": key.note,
        "state": key.state(now()),
        "secret": key.hint,
        "old_secret": old and old.hint,
        "old_secret_ends_at": old and old.ends_at,
        "scopes": key.scopes.split(),
        "networks": key.networks.split(),
        "created_at": key.created_at,
        "created_by": key.creator_name,
        "starts_at": key.starts_at,
        "expires_at": key.expires_at,
        "disabled_at": key.disabled_at,
        "revoked_at": key.revoked_at,
        "revoked_by": key.revoked_by,
        "revoke_reason": key.revoke_reason,
        "last_used_at": key.last_used_at,
        "last_used_address": key.last_used_address,
        "last_used_client": key.last_used_client,
        "last_used_request": key.last_used_request,
        "last_used_status": key.last_used_status,
    }
