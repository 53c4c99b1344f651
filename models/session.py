"""Browser sessions as rows, so that ending one takes effect at its next request."""

from datetime import timedelta

from peewee import BlobField, ForeignKeyField, TextField

from models.database import Record, UTCDateTimeField, id_field, now, transaction
from models.errors import Invalid, NotFound
from models.tokens import digest_of, new_token
from models.user import User, hash_password

LIFE = timedelta(days=30)
IDLE = timedelta(days=7)
SEEN_STEP = timedelta(minutes=1)
# How long a password confirmation counts for what is hard to undo.
RECENT = timedelta(minutes=15)
MOST_LISTED = 100


class BrowserSession(Record):
    """One signed-in browser. The cookie holds a random token; the row only its hash."""

    id = id_field("ses")
    digest = BlobField(unique=True)
    user = ForeignKeyField(User, on_delete="CASCADE", backref="sessions")
    user_id: str
    created_at = UTCDateTimeField(default=now)
    seen_at = UTCDateTimeField(default=now)
    confirmed_at = UTCDateTimeField(default=now)
    address = TextField()
    client = TextField()

    class Meta:
        table_name = "browser_session"

    @classmethod
    def start(cls, user: User, *, address: str, client: str) -> "tuple[BrowserSession, str]":
        """A new session and its token, which exists nowhere else but in the cookie."""
        token = new_token()
        row = cls.create(user=user, digest=digest_of(token), address=address, client=client[:200])
        return row, token

    @classmethod
    def resume(cls, token: str, *, seen: bool = True) -> "BrowserSession | None":
        """The live session behind a token, with its user. `seen` when it is the person who asks, and no timer."""
        moment = now()
        row = (
            cls.select(cls, User)
            .join(User)
            .where(cls.digest == digest_of(token))
            .where(cls.created_at > moment - LIFE)
            .where(cls.seen_at > moment - IDLE)
            .get_or_none()
        )
        if seen and row is not None and row.seen_at < moment - SEEN_STEP:
            cls.update(seen_at=moment).where(cls.id == row.id).execute()
        return row

    @property
    def recently_confirmed(self) -> bool:
        return self.confirmed_at > now() - RECENT

    def confirm(self) -> str:
        """Note that the password was just given. The session gets a new token, as at sign-in."""
        token = new_token()
        self.digest = digest_of(token)
        self.confirmed_at = now()
        self.save(only=[BrowserSession.digest, BrowserSession.confirmed_at])
        return token

    def end(self) -> None:
        self.delete_instance()

    def change_password(self, current: str, new: str) -> str:
        """Give the user another password. Every other session ends, and this one gets the new token returned."""
        if not self.user.knows(current):
            raise Invalid(current="That is not your password. Try again.")
        fresh = hash_password(new, "new")
        with transaction():
            User.update(password_hash=fresh).where(User.id == self.user_id).execute()
            BrowserSession.end_all(self.user, but=self)
            return self.confirm()

    @classmethod
    def of(cls, user: User) -> "list[BrowserSession]":
        """The sessions of a user that can be resumed, the latest seen first."""
        moment = now()
        return list(
            cls.select()
            .where(cls.user == user, cls.created_at > moment - LIFE, cls.seen_at > moment - IDLE)
            .order_by(cls.seen_at.desc(), cls.id)
            .limit(MOST_LISTED)
        )

    @classmethod
    def end_one(cls, user: User, session_id: str) -> None:
        if not cls.delete().where(cls.user == user, cls.id == session_id).execute():
            raise NotFound

    @classmethod
    def end_all(cls, user: User | str, *, but: "BrowserSession | None" = None) -> int:
        """End the sessions of a user, in the transaction at hand; returns how many."""
        query = cls.delete().where(cls.user == user)
        return query.where(cls.id != but.id).execute() if but else query.execute()

    @classmethod
    def purge(cls) -> int:
        """Delete what can no longer be resumed; returns how many."""
        moment = now()
        return cls.delete().where((cls.created_at <= moment - LIFE) | (cls.seen_at <= moment - IDLE)).execute()
