"""A believable workspace to try things in. Its history is made by the real verbs, called at past moments."""

import contextlib
from datetime import datetime, timedelta
from pathlib import Path

from jobs import demo_content, demo_keys, demo_login, demo_people, demo_usage
from jobs.demo_content import Table, Talk
from jobs.demo_keys import Sample
from jobs.demo_login import Login
from jobs.demo_people import Someone
from models import ApiKey, Chat, Collection, Invitation, Member, User, Workspace, database, outbox, role, verification
from models.actor import COMMAND_LINE, Actor
from models.database import now, random_text
from models.errors import Conflict
from models.key_settings import KeySettings
from models.secret import Secret
from models.tenancy import found_workspace
from models.usage_journal import ACCEPTED, Use
from models.usage_sums import Sums

WORKSPACE = "Fieldstone"
PLAN = "team"


def is_empty() -> bool:
    """Whether nobody has begun to use the database."""
    return not User.select().exists() and not Workspace.select().exists()


def seed(data_dir: Path) -> Login:
    """Fill an empty database, in one transaction: whatever stops it leaves the database empty."""
    with database.transaction(), outbox.quiet():
        _one_at_a_time()
        if not is_empty():
            raise Conflict("The database is not empty. The demo is made in an empty one only.")
        login = _Story(now()).told()
        # Before the commit: a file without a demo is written anew, a demo without its file is lost.
        demo_login.keep(login, data_dir)
    return login


def _one_at_a_time() -> None:
    """SQLite has one writer already."""
    if not database.is_sqlite():
        database.db.execute_sql("LOCK TABLE workspace IN EXCLUSIVE MODE")


class _Story:
    """What happened in the workspace up to the moment at which it is told."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment
        self.password = "-".join(random_text(4) for _ in range(5))
        self.people: dict[str, Member] = {}
        self.uses = Sums()

    def told(self) -> Login:
        self._found()
        for someone in (*demo_people.ADMINS, demo_people.FORMER_ADMIN):
            self._welcome(someone, role.ADMIN)
        for someone in demo_people.MEMBERS:
            self._welcome(someone, role.MEMBER)
        for someone in demo_people.INVITED:
            with self._ago(someone.since):
                self._add(someone, role.MEMBER).invite(by=self._by("Priya Raman"))
        for someone in demo_people.CONTACTS:
            with self._ago(someone.since):
                self._add(someone, role.CONTACT)
        for sample in demo_keys.SAMPLES:
            self._live_through(sample)
        demo_usage.write(self.uses, self.workspace, self.moment)
        with self._ago(demo_people.LEFT_AFTER):
            self.people[demo_people.FORMER_ADMIN.name].remove(by=self._by("Priya Raman"))
        for talk in demo_content.TALKS:
            self._converse(talk)
        for table in demo_content.TABLES:
            self._collect(table)
        key = demo_login.issue_key(self.workspace)
        return Login(demo_people.OWNER.email, self.password, self.workspace.id, key)

    def _found(self) -> None:
        owner = demo_people.OWNER
        with self._ago(owner.since):
            user = User.register(owner.email, owner.name, self.password)
            self.workspace = found_workspace(WORKSPACE, PLAN, user, by=COMMAND_LINE)
            member = Member.of_user(user, self.workspace.id)
            self.people[owner.name] = member
            member.change({"title": owner.title}, by=member.as_actor())

    def _add(self, someone: Someone, as_role: str) -> Member:
        return Member.add(
            self.workspace,
            name=someone.name,
            email=someone.email,
            role=as_role,
            title=someone.title,
            by=self._by("Priya Raman"),
        )

    def _welcome(self, someone: Someone, as_role: str) -> None:
        """Add somebody, and have them accept some hours later, with a password that nobody knows."""
        with self._ago(someone.since):
            member = self._add(someone, as_role)
            token = member.invite(by=self._by("Priya Raman"))
        with self._ago(someone.since - 0.13):
            Invitation.behind(token).accept(random_text(24))
        self.people[someone.name] = Member.find(self.workspace.id, member.id)

    def _converse(self, talk: Talk) -> None:
        first = talk.said[0]
        speakers = [self.people[said.by].id for said in talk.said]
        with self._ago(first.ago):
            chat = Chat.start(self.workspace, talk.title, speakers, by=self._by(first.by))
        for said in talk.said:
            with self._ago(said.ago):
                chat.send(said.text, by=self._by(said.by))

    def _collect(self, table: Table) -> None:
        by, facts = self._by(table.by), {"name": table.name, "title": table.title}
        with self._ago(table.ago):
            collection = Collection.make(self.workspace, **facts, schema=table.schema, by=by)
        for ago, values in table.records:
            with self._ago(ago):
                collection.add(values, by=by)

    def _live_through(self, sample: Sample) -> None:
        with self._ago(sample.made):
            key, secret = ApiKey.issue(self.workspace, self._settings(sample), by=self._by(sample.by))
        before = secret
        uses = [(sample.use.ago, None)] if sample.use else []
        for ago, act in sorted([*uses, *((act.ago, act) for act in sample.acts)], key=lambda each: -each[0]):
            with self._ago(ago):
                if act is None:
                    late = sample.use and sample.use.address in sample.lags
                    self._use(sample, before if late else secret)
                else:
                    done = getattr(key, act.verb)(by=self._by(act.by), **act.given)
                    if isinstance(done, Secret):
                        before, secret = secret, done
        demo_usage.fill(self.uses, key, sample, self.moment)

    def _use(self, sample: Sample, secret: Secret) -> None:
        assert sample.use
        credential = verification.verify(secret.reveal())
        _, address, client, request, status, wanted = sample.use
        moment = database.now_microseconds()
        use = Use(moment, credential.key_id, credential.secret_id, wanted, ACCEPTED, status, request, address, client)
        self.uses.add(use)

    def _settings(self, sample: Sample) -> KeySettings:
        return KeySettings(
            sample.name,
            frozenset(sample.scopes),
            note=sample.note,
            networks=sample.networks,
            starts_at=None if sample.starts is None else self.moment + timedelta(days=sample.starts),
            expires_at=None if sample.life is None else now() + timedelta(days=sample.life),
        )

    def _by(self, name: str) -> Actor:
        return self.people[name].as_actor(address="198.51.100.40")

    def _ago(self, days: float) -> contextlib.AbstractContextManager[None]:
        return database.at(self.moment - timedelta(days=days))
