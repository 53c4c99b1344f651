"""People who sign in: e-mail address, password, time zone."""

import zoneinfo

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from peewee import IntegerField, TextField

from models import text
from models.database import Record, UTCDateTimeField, id_field, now
from models.errors import Invalid

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256

# Argon2id with 19 MiB, two passes, one lane: a setting of the OWASP password storage cheat sheet.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_NO_ONE = _hasher.hash("the same work for an address that is not known")


class User(Record):
    id = id_field("usr")
    email = TextField(unique=True)
    name = TextField()
    password_hash = TextField()
    time_zone = TextField(default="UTC")
    # Of the day there, for the digest; empty for the usual one.
    digest_hour = IntegerField(null=True)
    created_at = UTCDateTimeField(default=now)

    class Meta:
        table_name = "user_account"

    @classmethod
    def register(cls, email: str, name: str, password: str) -> "User":
        return cls.create(email=email, name=name, password_hash=hash_password(password))

    @classmethod
    def by_email(cls, email: str) -> "User | None":
        return cls.get_or_none(cls.email == email.strip().lower())

    @classmethod
    def with_password(cls, email: str, password: str) -> "User | None":
        """The user, if the password is right. Unknown addresses cost the same work."""
        user = cls.by_email(email)
        if user is None:
            _matches(_NO_ONE, password)
            return None
        return user if user.knows(password) else None

    def knows(self, password: str) -> bool:
        """Whether this is the user's password; rehashed when the parameters have changed since."""
        if not _matches(self.password_hash, password):
            return False
        if _hasher.check_needs_rehash(self.password_hash):
            self.password_hash = _hasher.hash(password)
            self.save(only=[User.password_hash])
        return True

    def choose_zone(self, name: str) -> None:
        if name not in zoneinfo.available_timezones():
            raise Invalid(time_zone="Choose a time zone from the list.")
        self.time_zone = name
        self.save(only=[User.time_zone])

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def initials(self) -> str:
        words = self.name.split()
        return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper() if words else "?"


def hash_password(password: str, field: str = "password") -> str:
    """The Argon2id hash of a new password. Length is the only rule (NIST SP 800-63B, section 3.1.1)."""
    if len(password) < SHORTEST_PASSWORD:
        raise Invalid({field: f"Use at least {SHORTEST_PASSWORD} characters."})
    if len(password) > LONGEST_PASSWORD:
        raise Invalid({field: f"Use at most {LONGEST_PASSWORD} characters."})
    if password.casefold() in COMMON:
        raise Invalid({field: "Too many people use this password. Choose another one."})
    try:
        return _hasher.hash(password)
    except UnicodeEncodeError as problem:
        raise Invalid({field: "Use characters that can be typed."}) from problem


def person_name(value: str) -> str:
    try:
        return text.line(value, what="a name", longest=120)
    except text.BadText as problem:
        raise Invalid(name=str(problem)) from problem


def email_address(value: str) -> str:
    try:
        return text.email(value)
    except text.BadText as problem:
        raise Invalid(email=str(problem)) from problem


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password[: LONGEST_PASSWORD + 1])
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


# The long ones from the lists of most used passwords; shorter ones fail on length.
COMMON = frozenset(
    "123456789012 1234567890123 12345678901234 123456789012345 1234567890123456 password1234 password12345 "
    "password123456 passwordpassword qwertyuiop12 qwertyuiop123 qwertyuiopasdf 1q2w3e4r5t6y 1qaz2wsx3edc "
    "administrator adminadminadmin iloveyou1234 letmeinletmein welcome12345 changeme1234 abcdefghijkl "
    "abcdef123456 000000000000 111111111111 unknownunknown gravityrail1".split()
)
