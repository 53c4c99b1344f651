"""Settings from the environment, read and checked in one place. Each mistake is one clear line."""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from models import mail_settings
from models.mail_settings import Smtp
from models.secret import Pepper

SHORTEST_SECRET = 32
GITHUB_KEYS_URL = "https://api.github.com/meta/public_keys/secret_scanning"


class SettingsError(Exception):
    """The mistakes in the environment, one line each."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class Settings:
    data_dir: Path
    database_url: str
    host: str
    port: int
    workers: int
    base_url: str
    secret_keys: tuple[str, ...] = field(repr=False)
    peppers: tuple[Pepper, ...] = field(repr=False)
    trusted_proxies: int = 0
    trusted_hosts: tuple[str, ...] = ()
    access_log: bool = True
    redis_url: str = field(default="", repr=False)
    github_keys_url: str = GITHUB_KEYS_URL
    metrics_token: str = field(default="", repr=False)
    # Without a server mail is written into the data folder.
    smtp: Smtp | None = None
    mail_from: str = "Gravity Rail <gravity-rail@localhost>"

    @property
    def https(self) -> bool:
        return self.base_url.startswith("https://")


def read(environ: Mapping[str, str] | None = None, *, production: bool = False) -> Settings:
    """The settings behind `GRAVITY_*`; raises `SettingsError` with every mistake at once.

    Without `production`, missing secrets are made once and kept in the data folder, readable by its
    owner alone. With it they must be given, since a node that makes its own cannot read another's.
    """
    return _Reader(os.environ if environ is None else environ, production).settings()


class _Reader:
    def __init__(self, environ: Mapping[str, str], production: bool) -> None:
        self.environ = environ
        self.production = production
        self.mistakes: list[str] = []

    def settings(self) -> Settings:
        data_dir = Path(self._text("GRAVITY_DATA_DIR", "var")).absolute()
        host = self._text("GRAVITY_HOST", "127.0.0.1")
        port = self._number("PORT", 8000, 0, 65535)
        shown = host if host not in ("0.0.0.0", "::") else "127.0.0.1"  # noqa: S104 an address to show
        base_url = self._base_url(f"http://{f'[{shown}]' if ':' in shown else shown}:{port}")
        settings = Settings(
            data_dir=data_dir,
            database_url=self._database_url(data_dir),
            host=host,
            port=port,
            workers=self._number("GRAVITY_WORKERS", 2, 1, 64),
            base_url=base_url,
            secret_keys=self._secret_keys(data_dir),
            peppers=self._peppers(data_dir),
            trusted_proxies=self._number("GRAVITY_TRUSTED_PROXIES", 0, 0, 10),
            trusted_hosts=self._trusted_hosts(base_url),
            access_log=self._number("GRAVITY_ACCESS_LOG", 1, 0, 1) == 1,
            redis_url=self._redis_url(),
            github_keys_url=self._github_keys_url(),
            metrics_token=self._metrics_token(),
            smtp=self._smtp(),
            mail_from=self._mail_from(base_url),
        )
        if self.mistakes:
            raise SettingsError(self.mistakes)
        return settings

    def _text(self, name: str, default: str = "") -> str:
        return self.environ.get(name, "").strip() or default

    def _number(self, name: str, default: int, least: int, most: int) -> int:
        value = self._text(name, str(default))
        if re.fullmatch(r"[0-9]{1,6}", value) and least <= int(value) <= most:
            return int(value)
        self.mistakes.append(f"{name} must be a whole number from {least} to {most}, not {value!r}.")
        return default

    def _base_url(self, default: str) -> str:
        value = self._text("GRAVITY_BASE_URL")
        if not value:
            if self.production:
                self.mistakes.append(
                    "GRAVITY_BASE_URL is missing. Set the public origin, like https://keys.example.com."
                )
            return default
        try:
            parts = urlsplit(value)
            good = parts.scheme in ("http", "https") and parts.hostname and parts.path in ("", "/") and not parts.query
            _ = parts.port
        except ValueError:
            good = False
        if not good or parts.username:
            self.mistakes.append(f"GRAVITY_BASE_URL must be an origin like https://keys.example.com, not {value!r}.")
            return default
        return f"{parts.scheme}://{parts.netloc}"

    def _database_url(self, data_dir: Path) -> str:
        value = self._text("GRAVITY_DATABASE_URL", f"sqlite:///{data_dir / 'gravity.db'}")
        if not value.startswith(("sqlite:///", "postgresql://", "postgres://")) or value == "sqlite:///":
            # The value is not repeated: it may hold a password.
            self.mistakes.append("GRAVITY_DATABASE_URL must be sqlite:///path or postgresql://user:password@host/name.")
        return value

    def _redis_url(self) -> str:
        value = self._text("GRAVITY_REDIS_URL")
        if value and not value.startswith(("redis://", "rediss://", "unix://")):
            # The value is not repeated: it may hold a password.
            self.mistakes.append("GRAVITY_REDIS_URL must be redis://host:port/number, or rediss:// for TLS.")
        return value

    def _github_keys_url(self) -> str:
        value = self._text("GRAVITY_GITHUB_KEYS_URL", GITHUB_KEYS_URL)
        try:
            parts = urlsplit(value)
            good = parts.scheme in ("http", "https") and parts.hostname and not parts.username
            _ = parts.port
        except ValueError:
            good = False
        if not good:
            # The value is not repeated: it may hold a password.
            self.mistakes.append(f"GRAVITY_GITHUB_KEYS_URL must be an address like {GITHUB_KEYS_URL}.")
        return value

    def _metrics_token(self) -> str:
        value = self._text("GRAVITY_METRICS_TOKEN")
        # What RFC 6750 allows in a header; the value is not repeated, since it is a secret.
        if value and not re.fullmatch(r"[A-Za-z0-9._~+/-]{16,}=*", value):
            self.mistakes.append("GRAVITY_METRICS_TOKEN must be at least 16 letters, digits and -._~+/ in one word.")
        return value

    def _smtp(self) -> Smtp | None:
        value = self._text("GRAVITY_SMTP_URL")
        try:
            return mail_settings.parse_smtp(value) if value else None
        except ValueError as problem:
            self.mistakes.append(str(problem))
            return None

    def _mail_from(self, base_url: str) -> str:
        value = self._text("GRAVITY_MAIL_FROM")
        if not value and self._text("GRAVITY_SMTP_URL"):
            self.mistakes.append("GRAVITY_MAIL_FROM is missing. Set the sender, like Gravity Rail <keys@example.com>.")
        try:
            return mail_settings.parse_sender(value or mail_settings.usual_sender(base_url))
        except ValueError as problem:
            self.mistakes.append(str(problem))
            return ""

    def _trusted_hosts(self, base_url: str) -> tuple[str, ...]:
        given = [host.strip() for host in self._text("GRAVITY_TRUSTED_HOSTS").split(",") if host.strip()]
        for host in given:
            if not re.fullmatch(r"\.?[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]", host):
                self.mistakes.append(f"GRAVITY_TRUSTED_HOSTS has {host!r}, which is not a host name.")
        own = urlsplit(base_url).hostname or ""
        return tuple(dict.fromkeys([f"[{own}]" if ":" in own else own, "127.0.0.1", "localhost", "[::1]", *given]))

    def _secret_keys(self, data_dir: Path) -> tuple[str, ...]:
        value = self._secret("GRAVITY_SECRET_KEY", data_dir / "secret-key", secrets.token_urlsafe(48))
        keys = tuple(key.strip() for key in value.split(",") if key.strip())
        if (value and not keys) or any(len(key) < SHORTEST_SECRET for key in keys):
            self.mistakes.append(f"GRAVITY_SECRET_KEY must have at least {SHORTEST_SECRET} characters for each key.")
        return keys

    def _peppers(self, data_dir: Path) -> tuple[Pepper, ...]:
        value = self._secret("GRAVITY_KEY_PEPPERS", data_dir / "key-peppers", f"1:{secrets.token_urlsafe(48)}")
        found = []
        for entry in filter(None, (each.strip() for each in value.split(","))):
            version, colon, key = entry.partition(":")
            if not colon or not re.fullmatch(r"[A-Za-z0-9_-]{1,20}", version) or len(key) < SHORTEST_SECRET:
                self.mistakes.append(
                    "GRAVITY_KEY_PEPPERS must be version:secret, comma-separated, newest first, "
                    f"each secret at least {SHORTEST_SECRET} characters."
                )
                return ()
            found.append(Pepper(version, key.encode()))
        if value and not found:
            self.mistakes.append("GRAVITY_KEY_PEPPERS names no pepper. Write version:secret.")
        if len({pepper.version for pepper in found}) != len(found):
            self.mistakes.append("GRAVITY_KEY_PEPPERS names a version twice.")
        return tuple(found)

    def _secret(self, name: str, path: Path, fresh: str) -> str:
        """The secret as given; else, where nodes need not share it, the one kept in the data folder."""
        value = self._text(name)
        if value:
            return value
        if self.production:
            label = fresh.partition(":")[0] + ":" if ":" in fresh else ""
            make = f"""python3 -c 'import secrets; print("{label}" + secrets.token_urlsafe(48))'"""
            self.mistakes.append(f"{name} is missing. Make one with: {make}")
            return ""
        return _kept(path, fresh)


def _kept(path: Path, fresh: str) -> str:
    """The text of a private file, made once. Two processes that start together agree on one text."""
    if path.exists():
        return path.read_text().strip()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(fresh + "\n")
    try:
        # A link fails when the name is taken, so the first one wins.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text().strip()
