"""PostgreSQL as a server that may fall silent: every wait for it ends, and while it is silent nobody waits.

The server's own timeouts help against slow statements and TCP's against a peer that is gone. Neither helps when the
server is there and stands still, as behind a stalled disk: the system goes on taking what it is sent.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
from peewee import PostgresqlDatabase, Psycopg3Adapter
from playhouse import db_url
from psycopg.errors import ConnectionTimeout
from psycopg.pq import TransactionStatus

# An API request must fail closed within two seconds, so each wait on the server ends before that.
STATEMENT_SECONDS = 1.5
CONNECT_SECONDS = 2
POSTGRES_OPTIONS = "-c timezone=UTC -c statement_timeout={:.0f} -c idle_in_transaction_session_timeout=10000"
# A server that is gone without a word is given up, instead of after the two hours of the system.
KEEPALIVES = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
# Seconds after which the server's own "too long" must have come.
MARGIN = 0.3
BETWEEN_TRIES = 0.25

log = logging.getLogger(__name__)


class PatientConnection(psycopg.Connection[Any]):
    """A connection that closes itself when the server has said nothing for `patience` seconds; None waits for ever."""

    patience: float | None = None
    on_silence: Callable[[], None] | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """As the driver's, which all that is sent goes through. Raises `psycopg.OperationalError`."""
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.OperationalError:
            # An error that the server told, or a broken connection, would have ended the statement.
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.close()
                if self.on_silence:
                    self.on_silence()
            raise

    def allow_statements(self, seconds: float | None) -> None:
        """Let statements take that long, at the server and here; None: without end."""
        self.execute(f"SET statement_timeout = {(seconds or 0) * 1000:.0f}")
        self.patience = None if seconds is None else seconds + MARGIN


def database(url: str) -> "PatientPostgres":
    """peewee's handle for `postgresql://…`, whose user and password may be percent-encoded."""
    named = db_url.parse(url, unquote_user=True, unquote_password=True)
    limits = {"connect_timeout": CONNECT_SECONDS, "tcp_user_timeout": 1500, **KEEPALIVES}
    options = POSTGRES_OPTIONS.format(STATEMENT_SECONDS * 1000)
    return PatientPostgres(**named, **limits, options=options, prefer_psycopg3=True)


class _Adapter(Psycopg3Adapter):
    def connect(self, db: "PatientPostgres", **params: Any) -> PatientConnection:
        return PatientConnection.connect(dbname=db.database, **params)


class PatientPostgres(PostgresqlDatabase):
    """peewee's database over such connections."""

    psycopg3_adapter = _Adapter

    def __init__(self, *args: Any, **params: Any) -> None:
        super().__init__(*args, **params)
        self.silence = Silence(super()._connect)  # type: ignore[misc] # the types leave out what subclasses override

    def _connect(self) -> PatientConnection:
        self.silence.refuse()
        try:
            connection: PatientConnection = super()._connect()  # type: ignore[misc] # the same
        except ConnectionTimeout:
            self.silence.begin()
            raise
        connection.patience = STATEMENT_SECONDS + MARGIN
        connection.on_silence = self.silence.begin
        return connection


class Silence:
    """A circuit breaker (M. Nygard, Release It!): who found the server silent has it watched until it speaks."""

    def __init__(self, connect: Callable[[], PatientConnection]) -> None:
        self._connect = connect
        self._watcher: threading.Thread | None = None
        self._lock = threading.Lock()

    def begin(self) -> None:
        """From now on nobody of this process waits for a new connection, until one could be made."""
        with self._lock:
            if not self._lasts():
                self._watcher = threading.Thread(target=self._watch, name="silent database", daemon=True)
                self._watcher.start()

    def refuse(self) -> None:
        """Raises `psycopg.OperationalError` while the server is silent."""
        if self._lasts():
            raise psycopg.OperationalError("the database server has fallen silent")

    def _lasts(self) -> bool:
        return self._watcher is not None and self._watcher.is_alive()

    def _watch(self) -> None:
        log.error("the database server has fallen silent")
        while self._is_silent():
            time.sleep(BETWEEN_TRIES)
        log.info("the database server speaks again")

    def _is_silent(self) -> bool:
        try:
            self._connect().close()
        except ConnectionTimeout:
            return True
        except psycopg.Error:
            # It refuses, and whoever asks is told so at once.
            return False
        return False
