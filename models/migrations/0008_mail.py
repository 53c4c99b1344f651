"""Mail: what people are to be told, the messages that tell it, and who wants which."""

from typing import Any

from peewee import BigIntegerField, BlobField, BooleanField, ForeignKeyField, IntegerField, Model, TextField


def up(migrator: Any, db: Any) -> None:
    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Workspace(Table):
        """Made before; stated for what refers to it."""

        id = TextField(primary_key=True)

        class Meta:
            table_name = "workspace"

    class Member(Table):
        """As above."""

        id = TextField(primary_key=True)

        class Meta:
            table_name = "member"

    class MailChoice(Table):
        member = ForeignKeyField(Member, primary_key=True, on_delete="CASCADE")
        off_names = TextField()

        class Meta:
            table_name = "mail_choice"

    class TeamAddress(Table):
        id = TextField(primary_key=True)
        workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
        address = TextField()
        kind_names = TextField()
        created_at = BigIntegerField()

        class Meta:
            table_name = "team_address"
            indexes = ((("workspace", "address"), True),)

    class Mail(Table):
        id = TextField(primary_key=True)
        lane = TextField()
        kind = TextField()
        recipient = TextField()
        address = TextField()
        status = TextField()
        created_at = BigIntegerField()
        due_at = BigIntegerField()
        give_up_at = BigIntegerField()
        attempts = IntegerField()
        lease = TextField(null=True)
        lease_until = BigIntegerField(null=True)
        in_doubt = BooleanField()
        message = BlobField(null=True)
        error = TextField()
        sent_at = BigIntegerField(null=True)

        class Meta:
            table_name = "mail"
            indexes = ((("status", "due_at"), False), (("recipient", "status"), False))

    class Notice(Table):
        id = TextField(primary_key=True)
        workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
        kind = TextField()
        lane = TextField()
        subject = TextField()
        threshold = TextField()
        key_id = TextField(null=True)
        recipient = TextField()
        address = TextField()
        facts_text = TextField()
        created_at = BigIntegerField()
        due_at = BigIntegerField()
        mail = ForeignKeyField(Mail, null=True, on_delete="SET NULL", index=False)
        dropped_at = BigIntegerField(null=True)
        reason = TextField()

        class Meta:
            table_name = "notice"
            indexes = (
                (("kind", "subject", "threshold", "recipient"), True),
                (("mail", "due_at"), False),
                (("key_id", "created_at"), False),
                (("workspace", "created_at"), False),
            )

    db.create_tables([MailChoice, TeamAddress, Mail, Notice], safe=False)
    migrator.migrate(migrator.add_column("user_account", "digest_hour", IntegerField(null=True)))
