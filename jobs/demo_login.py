"""The demo's sign-in and its API key, kept in clear in `demo.json` so that each start can print them.

This is the one place where the product stores a secret of its own making. It is worth nothing
elsewhere: the demo is served on loopback alone, and its key is allowed from there alone.
"""

import ipaddress
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from models import ApiKey, User, Workspace, verification
from models.actor import COMMAND_LINE
from models.errors import Conflict, KeyRefused
from models.key_settings import KeySettings
from models.settings import Settings

LOOPBACK = ("127.0.0.0/8", "::1")
SCOPES = frozenset(("read:members",))
KEY_NAME = "Quick start"


@dataclass(frozen=True)
class Login:
    email: str
    password: str = field(repr=False)
    workspace_id: str
    key: str = field(repr=False)


def file_in(data_dir: Path) -> Path:
    return data_dir / "demo.json"


def keep(login: Login, data_dir: Path) -> None:
    """Write the file, whole and for its owner's eyes alone."""
    path = file_in(data_dir)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(login), file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def kept(data_dir: Path) -> Login | None:
    """The demo's sign-in, if the database at hand is the one that it was made for."""
    try:
        login = Login(**json.loads(file_in(data_dir).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    known = User.by_email(login.email) and Workspace.get_or_none(Workspace.id == login.workspace_id)
    return login if known else None


def works(login: Login) -> bool:
    """Whether the password is still the one in the file."""
    user = User.by_email(login.email)
    return user is not None and user.knows(login.password)


def with_good_key(login: Login, data_dir: Path) -> Login:
    """The same with a key that answers: where somebody revoked, rotated or narrowed the last one, a new one."""
    if _answers(login.key):
        return login
    workspace = Workspace.get_by_id(login.workspace_id)
    fresh = Login(login.email, login.password, login.workspace_id, issue_key(workspace))
    keep(fresh, data_dir)
    return fresh


def issue_key(workspace: Workspace, number: int = 1) -> str:
    """A key for the printed line. A name that is taken by a key of earlier is numbered."""
    name = KEY_NAME if number == 1 else f"{KEY_NAME} {number}"
    if ApiKey.has_live_name(workspace.id, name):
        return issue_key(workspace, number + 1)
    note = "For the line that the demo prints; works on this machine only"
    settings = KeySettings(name, SCOPES, note=note, networks=LOOPBACK)
    return ApiKey.issue(workspace, settings, by=COMMAND_LINE)[1].reveal()


def need_loopback(chosen: Settings) -> None:
    if not _is_loopback(chosen.host):
        raise Conflict(
            f"The demo is served on loopback alone, since its password is kept in clear. GRAVITY_HOST is {chosen.host}."
        )


def refuse_in_public(chosen: Settings) -> None:
    """Keep a database whose owner's password lies in a file from being served to the world."""
    login = kept(chosen.data_dir)
    public = not (_is_loopback(chosen.host) and _is_loopback(urlsplit(chosen.base_url).hostname or ""))
    if public and login is not None and works(login):
        raise Conflict(
            f"The database holds the demo, whose password is in {file_in(chosen.data_dir)}. "
            "Choose another GRAVITY_DATABASE_URL, or change the password of the demo's owner."
        )


def _answers(key: str) -> bool:
    try:
        credential = verification.verify(key)
    except KeyRefused:
        return False
    return credential.may(*SCOPES) and all(credential.allows(address) for address in ("127.0.0.1", "::1"))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
