"""Workspaces: the tenant that everything else belongs to."""

from collections.abc import Iterator

from peewee import SQL, IntegerField, TextField

from models import text
from models.database import Record, UTCDateTimeField, db, id_field, is_sqlite, now, sql
from models.errors import Invalid, NotFound
from models.plan import PLANS, Plan
from models.policy import Limits, Policy

# What becomes of a key that was found in public: it is revoked at once, or its people are only told.
REVOKE, TELL = LEAK_POLICIES = ("revoke", "tell")

# Workspaces that are read at once, by whoever goes through all of them.
BATCH = 100


class Workspace(Record):
    id = id_field("ws")
    name = TextField()
    plan_slug = TextField(default="team")
    leak_policy = TextField(default=REVOKE, constraints=[SQL("DEFAULT 'revoke'")])
    policy_text = TextField(default="{}", constraints=[SQL("DEFAULT '{}'")])
    # Grows with each change of the policy.
    policy_version = IntegerField(default=0, constraints=[SQL("DEFAULT 0")])
    created_at = UTCDateTimeField(default=now)

    class Meta:
        table_name = "workspace"

    @property
    def plan(self) -> Plan:
        return PLANS[self.plan_slug]

    @property
    def policy(self) -> Policy:
        return Policy.read(self.policy_text)

    @property
    def limits(self) -> Limits:
        return Limits(self.plan, self.policy)

    @classmethod
    def known(cls, workspace_id: str) -> "Workspace":
        """The workspace with this id; `NotFound` when there is none."""
        workspace = cls.get_or_none(cls.id == workspace_id)
        if workspace is None:
            raise NotFound
        return workspace

    @classmethod
    def each(cls) -> "Iterator[Workspace]":
        """Every workspace, read some at a time, so that whoever writes meanwhile waits for no reader."""
        last = ""
        while some := list(cls.select().where(cls.id > last).order_by(cls.id).limit(BATCH)):
            last = some[-1].id
            yield from some

    def hold(self) -> None:
        """Let no one else count or change what belongs to this workspace until the transaction ends.

        SQLite has one writer at a time already; PostgreSQL locks the row.
        """
        if not is_sqlite():
            db.execute_sql(sql("SELECT 1 FROM workspace WHERE id = ? FOR UPDATE"), (self.id,))


def workspace_name(value: str) -> str:
    try:
        return text.line(value, what="a name for the workspace", longest=80)
    except text.BadText as problem:
        raise Invalid(name=str(problem)) from problem


def known_leak_policy(policy: str) -> str:
    if policy not in LEAK_POLICIES:
        raise Invalid(leak_policy="Choose what happens to a key that was found in public.")
    return policy


def known_plan(slug: str) -> str:
    if slug not in PLANS:
        raise Invalid(plan=f"There is no plan {slug!r}. Plans: {', '.join(PLANS)}.")
    return slug
