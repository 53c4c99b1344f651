"""API keys: an identity with settings and a history. Its secrets come and go (`KeySecret`)."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from peewee import ForeignKeyField, IntegerField, IntegrityError, TextField

from models import key_grant, key_mail, key_settings, scope, secret, text
from models.actor import Actor
from models.audit import AuditEvent
from models.database import UTCDateTimeField, WorkspaceRecord, id_field, new_id, now, transaction
from models.errors import Conflict, Invalid, PlanLimit
from models.key_quarantine import KeyQuarantine
from models.key_rotation import KeyRotation
from models.key_secret import KeySecret
from models.key_settings import KeySettings
from models.key_state import KeyState
from models.member import Member
from models.plan import Plan
from models.secret import Secret
from models.workspace import Workspace


class ApiKey(KeyState, KeyRotation, KeyQuarantine, WorkspaceRecord):
    """A key's identity: name, scopes, limits and state. The digest of its secret is in `KeySecret`."""

    id = id_field("key")
    workspace = ForeignKeyField(Workspace, on_delete="CASCADE", backref="api_keys", index=False)
    workspace_id: str
    name = TextField()
    # The name without case, for uniqueness and search alike on both databases.
    name_folded = TextField()
    note = TextField(default="")
    scopes = TextField()
    networks = TextField(default="")
    # The visible characters of the newest secret.
    hint_start = TextField()
    hint_end = TextField()
    creator_kind = TextField()
    creator_name = TextField()
    # The person who made it, or who is behind the key that did, while they are here; and then that key, and their name.
    creator = ForeignKeyField(Member, null=True, on_delete="SET NULL", index=True)
    creator_id: str | None
    creator_key_id = TextField(null=True)
    behind_name = TextField(null=True)
    created_at = UTCDateTimeField(default=now)
    starts_at = UTCDateTimeField(null=True)
    expires_at = UTCDateTimeField(null=True)
    disabled_at = UTCDateTimeField(null=True)
    revoked_at = UTCDateTimeField(null=True)
    revoked_by = TextField(null=True)
    revoke_reason = TextField(null=True)
    deleted_at = UTCDateTimeField(null=True)
    # The stages of the clean-up, since when a stage or the wait for a use counts anew, and why the key is spared.
    flagged_at = UTCDateTimeField(null=True)
    quarantined_at = UTCDateTimeField(null=True)
    woken_at = UTCDateTimeField(null=True)
    exempt_reason = TextField(null=True)
    version = IntegerField(default=1)
    last_used_at = UTCDateTimeField(null=True)
    last_used_address = TextField(null=True)
    last_used_client = TextField(null=True)
    last_used_request = TextField(null=True)
    last_used_status = IntegerField(null=True)

    class Meta:
        table_name = "api_key"

    @classmethod
    def in_workspace(cls, workspace_id: str) -> Any:
        """The keys of a workspace that were not deleted."""
        return super().in_workspace(workspace_id).where(cls.deleted_at.is_null())

    @classmethod
    def active(cls, workspace_id: str, moment: datetime) -> Any:
        """What counts against the plan: neither revoked nor expired."""
        return cls.in_workspace(workspace_id).where(cls.live(moment))

    @classmethod
    def active_made_by(cls, member: Member, moment: datetime) -> int:
        """How many working keys would be left behind if this person went."""
        return cls.active(member.workspace_id, moment).where(cls.creator == member.id).count()

    @classmethod
    def has_live_name(cls, workspace_id: str, name: str) -> bool:
        """Whether a key that is not revoked has this name, as the unique index sees it."""
        same = cls.in_workspace(workspace_id).where(cls.name_folded == text.folded(name), cls.revoked_at.is_null())
        return bool(same.exists())

    @classmethod
    def _must_have_room(cls, workspace_id: str, plan: Plan, moment: datetime) -> None:
        if plan.active_keys is not None and cls.active(workspace_id, moment).count() >= plan.active_keys:
            words = f"All {plan.active_keys} keys of the {plan.title} plan are in use."
            raise PlanLimit(words, limit="active_keys", value=plan.active_keys, plan=plan.slug)

    @classmethod
    def issue(
        cls, workspace: Workspace, settings: KeySettings, *, by: Actor, form_id: str | None = None
    ) -> "tuple[ApiKey, Secret]":
        """Create a key; its secret is in the answer and nowhere else.

        Raises `Invalid`, `PlanLimit`, and `AlreadyDone` when the same form made a key before.
        """
        made, moment = secret.generate(), now()
        try:
            with transaction():
                workspace.hold()
                KeySecret.refuse_repeat(form_id)
                limits = Workspace.get_by_id(workspace.id).limits
                key_grant.may_create(by, limits.policy)
                settings = key_settings.checked(settings, limits.plan, moment, policy=limits.policy)
                key_grant.may_make(by, settings)
                cls._must_have_room(workspace.id, limits.plan, moment)
                key = cls.create(
                    id=new_id("key"),
                    workspace=workspace,
                    **settings.columns(),
                    hint_start=made.start,
                    hint_end=made.end,
                    **cls._maker(by),
                    created_at=moment,
                )
                KeySecret.add(key, made, form_id)
                key._record("api_key.created", by, **settings.facts())
                key_mail.created(key, by)
        except IntegrityError as problem:
            raise Invalid(name=key_settings.NAME_TAKEN) from problem
        return key, made

    def edit(self, settings: KeySettings, *, version: int, by: Actor, action: str | None = None) -> None:
        """Change name, note, scopes, networks, start or end, if nobody else did since `version`.

        It is recorded as `action`, or else as edited or widened.
        """
        moment = now()
        try:
            with transaction():
                self.workspace.hold()
                current = self._current(version)
                current._must_be_live(moment)
                stored = Workspace.get_by_id(self.workspace_id)
                settings = key_settings.checked(settings, stored.plan, moment, current.settings, stored.policy)
                key_grant.may_change(by, self.id, current.settings, settings)
                changes = key_settings.changes(current.settings, settings)
                if not changes:
                    return
                widened = key_settings.widens(current.settings, settings)
                action = action or ("api_key.widened" if widened else "api_key.edited")
                self._update(**settings.columns())
                if settings.expires_at is not None:
                    KeySecret.end_by(self.id, settings.expires_at)
                self._record(action, by, **changes)
        except IntegrityError as problem:
            raise Invalid(name=key_settings.NAME_TAKEN) from problem

    def change(self, values: dict[str, Any], *, disabled: bool | None, by: Actor) -> None:
        """Change the settings that are given, and disable or enable the key, all in one."""
        with transaction():
            self.workspace.hold()
            current = self._current()
            if values:
                current.edit(replace(current.settings, **values), version=current.version, by=by)
            if disabled is not None:
                (current.disable if disabled else current.enable)(by=by)

    def disable(self, *, by: Actor) -> None:
        """Refuse the key until it is enabled again."""
        with transaction():
            self.workspace.hold()
            current = self._current()
            current._must_be_live(now())
            if current.disabled_at is None:
                self._update(disabled_at=now())
                self._record("api_key.disabled", by)

    def enable(self, *, by: Actor) -> None:
        with transaction():
            self.workspace.hold()
            current = self._current()
            current._must_be_live(now())
            key_grant.may_hand_out(by, self.id, current.settings)
            if current.disabled_at is not None:
                # Whoever enables it needs it: the clean-up, which left it alone, begins anew.
                self._update(disabled_at=None, flagged_at=None, woken_at=now())
                self._record("api_key.enabled", by)

    def revoke(self, *, by: Actor, reason: str = "unneeded", note: str = "") -> None:
        """End the key for good. Every request that starts after this returns is refused."""
        if reason not in key_settings.REASONS:
            raise Invalid(reason="Choose a reason.")
        with transaction():
            self.workspace.hold()
            current = self._current()
            if current.revoked_at is None:
                note = key_settings.one_line(note, "note")
                self._update(revoked_at=now(), revoked_by=by.name, revoke_reason=reason)
                self._record("api_key.revoked", by, reason=reason, note=note)
                key_mail.revoked(current, by, reason, note)

    def delete(self, *, by: Actor) -> None:  # type: ignore[override] # peewee's, of many rows, is not for keys
        """Take a revoked or expired key off the list. Its history stays, and its secret stays dead."""
        with transaction():
            self.workspace.hold()
            current = self._current()
            if current.is_live(now()):
                raise Conflict("Only a revoked or expired key can be deleted. Revoke it first.")
            self._update(deleted_at=now())
            self._record("api_key.deleted", by, name=current.name)

    @property
    def settings(self) -> KeySettings:
        return KeySettings(
            name=self.name,
            note=self.note,
            scopes=scope.parse(self.scopes),
            networks=tuple(self.networks.split()),
            starts_at=self.starts_at,
            expires_at=self.expires_at,
        )

    def _current(self, version: int | None = None) -> "ApiKey":
        """The row as it is now, inside the transaction; `Conflict` when it is not what the form showed."""
        current = ApiKey.find(self.workspace_id, self.id)
        if version is not None and current.version != version:
            last = AuditEvent.about(self.workspace_id, self.id, limit=1)
            who = last[0].actor_name if last else "Someone"
            raise Conflict(f"{who} changed this key while you had it open. Nothing of yours was saved.")
        return current

    def _must_be_live(self, moment: datetime) -> None:
        if self.revoked_at is not None:
            raise Conflict("This key is revoked. It cannot be changed.")
        if not self.is_live(moment):
            raise Conflict("This key has expired. Create a new one with the same settings.")

    def _update(self, **columns: object) -> None:
        ApiKey.update(version=ApiKey.version + 1, **columns).where(ApiKey.id == self.id).execute()
        # After the statement: what the database refuses is not on the object either.
        for column, value in columns.items():
            setattr(self, column, value)

    def _record(self, action: str, by: Actor, **details: object) -> None:
        AuditEvent.write(action, self.id, workspace=self.workspace_id, by=by, **details)
