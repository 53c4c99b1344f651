"""The people of a workspace: those who sign in, and contacts who are on record only."""

from datetime import timedelta
from typing import Any

from peewee import BlobField, Case, ForeignKeyField, IntegrityError, TextField

from models import paging, person, role
from models.actor import Actor
from models.audit import AuditEvent
from models.database import Record, UTCDateTimeField, WorkspaceRecord, id_field, now, transaction
from models.errors import Conflict, DeadLink, Invalid, NotAllowed, NotFound
from models.session import BrowserSession
from models.tokens import digest_of, new_token
from models.user import User, hash_password
from models.workspace import Workspace

INVITATION_LIFE = timedelta(days=7)


class Member(WorkspaceRecord):
    id = id_field("mem")
    workspace = ForeignKeyField(Workspace, on_delete="CASCADE", backref="members")
    workspace_id: str
    # Empty for contacts, and until an invited person has set a password.
    user = ForeignKeyField(User, null=True, on_delete="SET NULL", backref="memberships")
    user_id: str | None
    name = TextField()
    email = TextField()
    role = TextField()
    title = TextField(default="")
    created_at = UTCDateTimeField(default=now)
    updated_at = UTCDateTimeField(default=now)
    # When this person last gave up a role that manages keys.
    managed_until = UTCDateTimeField(null=True)

    class Meta:
        table_name = "member"
        indexes = ((("workspace", "email"), True), (("workspace", "created_at", "id"), False))

    @property
    def status(self) -> str:
        """`active`, or `invited` while someone who may sign in has not set a password yet."""
        return "active" if self.user_id or self.role == role.CONTACT else "invited"

    def may(self, permission: str) -> bool:
        return role.may(self.role, permission)

    @property
    def may_create_keys(self) -> bool:
        return self.may("api_keys.manage") and self.workspace.policy.lets_create(role.TOUCHES[self.role])

    @classmethod
    def of_user(cls, user: User, workspace_id: str) -> "Member":
        """The user's place in a workspace; `NotFound` where there is none."""
        row = cls.select(cls, Workspace).join(Workspace).where(cls.user == user, cls.workspace == workspace_id)
        member = row.get_or_none()
        if member is None or member.role not in role.SIGN_IN:
            raise NotFound
        return member

    @classmethod
    def first_of(cls, user: User) -> "Member | None":
        query = cls.select(cls, Workspace).join(Workspace).where(cls.user == user)
        return query.order_by(cls.created_at, cls.id).first()

    @classmethod
    def all_of(cls, user: User) -> "list[Member]":
        return list(cls.select(cls, Workspace).join(Workspace).where(cls.user == user).order_by(Workspace.name))

    @classmethod
    def page(cls, workspace_id: str, limit: int, after: paging.Place | None) -> "tuple[list[Member], bool]":
        """Members in the order they were added, from just after a place; and whether more follow."""
        found: tuple[list[Member], bool] = paging.page(cls.in_workspace(workspace_id), limit, after)
        return found

    @classmethod
    def listed(cls, workspace_id: str, search: str = "") -> Any:
        """Everyone, those who manage first; filtered by a part of name or e-mail."""
        rank = [(cls.role == name, place) for place, name in enumerate(role.ROLES)]
        query = cls.in_workspace(workspace_id)
        if search:
            query = query.where(cls.name.contains(search) | cls.email.contains(search))
        return query.order_by(Case(None, rank, len(rank)), cls.name, cls.id)

    @classmethod
    def add(cls, workspace: Workspace, *, name: str, email: str, role: str, title: str = "", by: Actor) -> "Member":
        """Add a person. Those who sign in need an invitation (`invite`) to set their password."""
        values = person.checked({"name": name, "email": email, "role": role, "title": title})
        _must_touch(by, values["role"])
        try:
            with transaction():
                member = cls.create(workspace=workspace, **values)
                member._record("member.added", by, name=values["name"], role=values["role"])
        except IntegrityError as problem:
            raise Conflict(f"{values['email']} is in this workspace already.") from problem
        return member

    def change(self, values: dict[str, str], *, by: Actor) -> None:
        """Change name, e-mail, role or title: only what is given, all or nothing."""
        fresh = {field: value for field, value in person.checked(values).items() if value != getattr(self, field)}
        if not fresh:
            _must_touch(by, self.role)
            return
        try:
            with transaction():
                self.workspace.hold()
                current = Member.find(self.workspace_id, self.id)
                _must_touch(by, current.role, fresh.get("role", current.role))
                if current.role == role.OWNER and fresh.get("role", role.OWNER) != role.OWNER:
                    current._must_not_be_last_owner()
                if "email" in fresh and current.user_id:
                    raise Invalid(email="The address that a person signs in with cannot be changed here.")
                if "email" in fresh:
                    # The link may have reached whoever reads the address that was wrong.
                    Invitation.delete().where(Invitation.member == self.id).execute()
                self._write(fresh)
                if fresh.get("role") == role.CONTACT and current.user_id:
                    Member.update(user=None).where(Member.id == self.id).execute()
                    BrowserSession.end_all(current.user_id)
                self._record("member.changed", by, **{k: [getattr(current, k), v] for k, v in fresh.items()})
        except IntegrityError as problem:
            raise Conflict(f"{fresh.get('email')} is in this workspace already.") from problem

    def remove(self, *, by: Actor) -> None:
        """Take a person out. Their sessions end at once; keys they created stay and are flagged."""
        with transaction():
            self.workspace.hold()
            current = Member.find(self.workspace_id, self.id)
            _must_touch(by, current.role)
            if current.role == role.OWNER:
                current._must_not_be_last_owner()
            if current.user_id:
                BrowserSession.end_all(current.user_id)
            current._record("member.removed", by, name=current.name, role=current.role)
            current.delete_instance()

    def invite(self, *, by: Actor) -> str:
        """A one-time token with which this person sets a password. Earlier ones stop working."""
        if self.user_id or self.role not in role.SIGN_IN:
            raise Conflict("This person does not need a link.")
        token = new_token()
        with transaction():
            _must_touch(by, self.role)
            Invitation.delete().where(Invitation.member == self.id).execute()
            Invitation.create(member=self, digest=digest_of(token), expires_at=now() + INVITATION_LIFE)
            self._record("member.invited", by, name=self.name)
        return token

    def as_actor(self, *, address: str | None = None, request_id: str | None = None) -> Actor:
        return Actor("user", self.name, self.id, role.TOUCHES[self.role], address, request_id)

    def _write(self, fresh: dict[str, str]) -> None:
        managed = self.role in role.MANAGERS
        for field, value in fresh.items():
            setattr(self, field, value)
        self.updated_at = now()
        if managed and self.role not in role.MANAGERS:
            self.managed_until = self.updated_at
        self.save(only=[*fresh, "updated_at", "managed_until"])

    def _must_not_be_last_owner(self) -> None:
        others = Member.in_workspace(self.workspace_id).where(
            Member.role == role.OWNER, Member.id != self.id, Member.user.is_null(False)
        )
        if not others.exists():
            raise Conflict("A workspace keeps at least one owner. Make someone else an owner first.")

    def _record(self, action: str, by: Actor, **details: object) -> None:
        AuditEvent.write(action, self.id, workspace=self.workspace_id, by=by, **details)


class Invitation(Record):
    """A one-time link with which a new member sets a password. The row holds only the token's hash."""

    id = id_field("inv")
    member = ForeignKeyField(Member, on_delete="CASCADE", unique=True)
    digest = BlobField(unique=True)
    expires_at = UTCDateTimeField()

    class Meta:
        table_name = "invitation"

    @classmethod
    def behind(cls, token: str) -> "Invitation":
        """The open invitation behind a token; `DeadLink` when it was used, replaced or is over."""
        row = (
            cls.select(cls, Member, Workspace)
            .join(Member)
            .join(Workspace)
            .where(cls.digest == digest_of(token), cls.expires_at > now(), Member.role.in_(role.SIGN_IN))
            .get_or_none()
        )
        if row is None:
            raise DeadLink("It was used already or replaced, or its time is over. Ask for a new one.")
        return row

    def accept(self, password: str) -> User:
        """Use the link, once: set the password, or prove the one that the person has already."""
        member = self.member
        user = User.by_email(member.email)
        if user is not None and not user.knows(password):
            raise Invalid(password="That is not the password of your account.")
        fresh_hash = hash_password(password) if user is None else ""
        try:
            with transaction():
                if not Invitation.delete().where(Invitation.id == self.id).execute():
                    raise DeadLink("It was used already.")
                if user is None:
                    user = User.create(email=member.email, name=member.name, password_hash=fresh_hash)
                Member.update(user=user).where(Member.id == member.id).execute()
                actor = Actor("user", member.name, member.id)
                AuditEvent.write("member.joined", member.id, workspace=member.workspace_id, by=actor)
        except IntegrityError as problem:
            raise Conflict("This address got an account just now. Open the link again.") from problem
        return user

    @classmethod
    def purge(cls) -> int:
        return cls.delete().where(cls.expires_at <= now()).execute()


def _must_touch(by: Actor, *roles: str) -> None:
    for each in roles:
        if each not in by.touches:
            who = "A key" if by.kind == "key" else "Your role"
            raise NotAllowed(f"{who} cannot make, change or remove {'an' if each[0] in 'oa' else 'a'} {each}.")
