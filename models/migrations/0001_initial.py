"""Users, workspaces, their members, API keys with their secrets, sessions and the audit trail.

The tables are stated here as they were on this day; the models may move on.
"""

from typing import Any

from peewee import BigIntegerField, BlobField, ForeignKeyField, IntegerField, Model, TextField


def up(migrator: Any, db: Any) -> None:
    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class UserAccount(Table):
        id = TextField(primary_key=True)
        email = TextField(unique=True)
        name = TextField()
        password_hash = TextField()
        time_zone = TextField()
        created_at = BigIntegerField()

        class Meta:
            table_name = "user_account"

    class Workspace(Table):
        id = TextField(primary_key=True)
        name = TextField()
        plan_slug = TextField()
        created_at = BigIntegerField()

        class Meta:
            table_name = "workspace"

    class Member(Table):
        id = TextField(primary_key=True)
        workspace = ForeignKeyField(Workspace, on_delete="CASCADE")
        user = ForeignKeyField(UserAccount, null=True, on_delete="SET NULL")
        name = TextField()
        email = TextField()
        role = TextField()
        title = TextField()
        created_at = BigIntegerField()
        updated_at = BigIntegerField()

        class Meta:
            table_name = "member"
            indexes = ((("workspace", "email"), True), (("workspace", "created_at", "id"), False))

    class Invitation(Table):
        id = TextField(primary_key=True)
        member = ForeignKeyField(Member, on_delete="CASCADE", unique=True)
        digest = BlobField(unique=True)
        expires_at = BigIntegerField()

        class Meta:
            table_name = "invitation"

    class BrowserSession(Table):
        id = TextField(primary_key=True)
        digest = BlobField(unique=True)
        user = ForeignKeyField(UserAccount, on_delete="CASCADE")
        created_at = BigIntegerField()
        seen_at = BigIntegerField()
        confirmed_at = BigIntegerField()
        address = TextField()
        client = TextField()

        class Meta:
            table_name = "browser_session"

    class Throttle(Table):
        bucket = TextField(primary_key=True)
        failures = IntegerField()
        blocked_until = BigIntegerField(null=True)
        failed_at = BigIntegerField()

        class Meta:
            table_name = "throttle"

    class ApiKey(Table):
        id = TextField(primary_key=True)
        workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
        name = TextField()
        name_folded = TextField()
        note = TextField()
        scopes = TextField()
        networks = TextField()
        hint_start = TextField()
        hint_end = TextField()
        creator_kind = TextField()
        creator_name = TextField()
        creator = ForeignKeyField(Member, null=True, on_delete="SET NULL")
        created_at = BigIntegerField()
        starts_at = BigIntegerField(null=True)
        expires_at = BigIntegerField(null=True)
        disabled_at = BigIntegerField(null=True)
        revoked_at = BigIntegerField(null=True)
        revoked_by = TextField(null=True)
        revoke_reason = TextField(null=True)
        deleted_at = BigIntegerField(null=True)
        version = IntegerField()
        last_used_at = BigIntegerField(null=True)
        last_used_address = TextField(null=True)
        last_used_client = TextField(null=True)
        last_used_request = TextField(null=True)
        last_used_status = IntegerField(null=True)

        class Meta:
            table_name = "api_key"

    class KeySecret(Table):
        id = TextField(primary_key=True)
        key = ForeignKeyField(ApiKey, on_delete="CASCADE")
        digest = BlobField(unique=True)
        pepper = TextField()
        form_id = TextField(null=True, unique=True)
        created_at = BigIntegerField()
        ends_at = BigIntegerField(null=True)
        revoked_at = BigIntegerField(null=True)

        class Meta:
            table_name = "key_secret"

    class PepperCheck(Table):
        version = TextField(primary_key=True)
        digest = BlobField()

        class Meta:
            table_name = "pepper_check"

    class AuditEvent(Table):
        id = TextField(primary_key=True)
        workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
        at = BigIntegerField()
        action = TextField()
        subject = TextField()
        actor_kind = TextField()
        actor_id = TextField(null=True)
        actor_name = TextField()
        address = TextField(null=True)
        request_id = TextField(null=True)
        details = TextField()

        class Meta:
            table_name = "audit_event"
            indexes = ((("subject", "at"), False), (("workspace", "at"), False))

    db.create_tables(
        [
            UserAccount,
            Workspace,
            Member,
            Invitation,
            BrowserSession,
            Throttle,
            ApiKey,
            KeySecret,
            PepperCheck,
            AuditEvent,
        ],
        safe=False,
    )
    # A name is taken only while its key lives, so a revoked key's name can be used again.
    db.execute_sql(
        "CREATE UNIQUE INDEX api_key_live_name ON api_key (workspace_id, name_folded) "
        "WHERE revoked_at IS NULL AND deleted_at IS NULL"
    )
    db.execute_sql("CREATE INDEX api_key_listed ON api_key (workspace_id, last_used_at) WHERE deleted_at IS NULL")
