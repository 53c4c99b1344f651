"""Chats with their messages, collections with their records."""

from typing import Any

from peewee import BigIntegerField, CompositeKey, ForeignKeyField, Model, TextField


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
        """Made before; stated for what refers to it."""

        id = TextField(primary_key=True)

        class Meta:
            table_name = "member"

    class Chat(Table):
        id = TextField(primary_key=True)
        workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
        title = TextField()
        created_at = BigIntegerField()

        class Meta:
            table_name = "chat"
            indexes = ((("workspace", "created_at", "id"), False),)

    class Participant(Table):
        chat = ForeignKeyField(Chat, on_delete="CASCADE", index=False)
        member = ForeignKeyField(Member, on_delete="CASCADE")

        class Meta:
            table_name = "participant"
            primary_key = CompositeKey("chat", "member")

    class Message(Table):
        id = TextField(primary_key=True)
        chat = ForeignKeyField(Chat, on_delete="CASCADE", index=False)
        text = TextField()
        sender_kind = TextField()
        sender_name = TextField()
        sender_id = TextField(null=True)
        created_at = BigIntegerField()

        class Meta:
            table_name = "message"
            indexes = ((("chat", "created_at", "id"), False),)

    class Collection(Table):
        id = TextField(primary_key=True)
        workspace = ForeignKeyField(Workspace, on_delete="CASCADE", index=False)
        name = TextField()
        title = TextField()
        schema_text = TextField()
        created_at = BigIntegerField()
        updated_at = BigIntegerField()

        class Meta:
            table_name = "collection"
            indexes = ((("workspace", "name"), True), (("workspace", "created_at", "id"), False))

    class DataRecord(Table):
        id = TextField(primary_key=True)
        collection = ForeignKeyField(Collection, on_delete="CASCADE", index=False)
        document = TextField()
        writer_kind = TextField()
        writer_name = TextField()
        writer_id = TextField(null=True)
        created_at = BigIntegerField()
        updated_at = BigIntegerField()

        class Meta:
            table_name = "data_record"
            indexes = ((("collection", "created_at", "id"), False),)

    db.create_tables([Chat, Participant, Message, Collection, DataRecord], safe=False)
