"""The people in the tests. Two workspaces, so that each test can ask what a stranger sees."""

from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any

from models import ApiKey, Member, User, Workspace, role, scope
from models.actor import COMMAND_LINE, Actor
from models.database import new_id, transaction
from models.key_settings import KeySettings
from models.tenancy import found_workspace
from models.user import hash_password
from tests.support import ledger


@dataclass(frozen=True)
class Person:
    """Someone with a place in a workspace. Whoever cannot sign in has no user."""

    user: Any
    member: Member
    workspace: Workspace
    password: str = field(repr=False)

    @property
    def actor(self) -> Actor:
        return self.member.as_actor(address="192.0.2.1", request_id="req_of_the_test")

    def settings(self, path: str = "api-keys") -> str:
        """The address of a settings page of their workspace."""
        return f"/w/{self.workspace.id}/settings/{path}"

    def api(self, path: str = "members") -> str:
        """An API address of their workspace."""
        return f"/api/v2/w/{self.workspace.id}/{path}".rstrip("/")


@cache
def password() -> str:
    """Everyone's, made once: its hash is slow on purpose."""
    return ledger.fresh("password")


@cache
def _password_hash() -> str:
    return hash_password(password())


def new_user(name: str) -> User:
    email = f"{name.split()[0].lower()}@example.com"
    return User.create(email=email, name=name, password_hash=_password_hash())


def new_owner(name: str, workspace_name: str, plan: str = "team") -> Person:
    """Someone who just started a workspace."""
    with transaction():
        user = new_user(name)
        workspace = found_workspace(workspace_name, plan, user, by=COMMAND_LINE)
        member = Member.of_user(user, workspace.id)
    return Person(user, member, workspace, password())


def joined(workspace: Workspace, name: str, as_role: str, title: str = "") -> Person:
    """Someone else in that workspace; contacts get no way to sign in."""
    with transaction():
        user = new_user(name) if as_role in role.SIGN_IN else None
        member = Member.create(
            id=new_id("mem"), workspace=workspace, user=user, name=name, title=title, role=as_role,
            email=f"{name.split()[0].lower()}@example.com",
        )  # fmt: skip
    return Person(user, member, workspace, password())


_serial = count(1)


def make_key(person: Person, **settings: Any) -> tuple[ApiKey, str]:
    """A new key of that person's workspace, and its secret in clear."""
    chosen: dict[str, Any] = {"name": f"Key {next(_serial)}", "scopes": {"read:members"}} | settings
    chosen["scopes"] = frozenset(chosen["scopes"])
    key, secret = ApiKey.issue(person.workspace, KeySettings(**chosen), by=person.actor)
    return key, secret.reveal()


def make_admin_key(person: Person, **settings: Any) -> tuple[ApiKey, str]:
    return make_key(person, scopes={scope.ADMIN}, **settings)
