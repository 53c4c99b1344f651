"""Mail through a mail server: one connection for many messages, each answer told apart by what it means."""

import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from email.utils import parseaddr
from typing import Any

from jobs.mail_outcome import Outcome, Unreachable
from models import text
from models.mail import Mail
from models.mail_settings import Smtp

# However slowly a server drips its answers, an attempt ends, well within the lease of its message.
LONGEST_ATTEMPT = 180.0
# Some servers want a new connection now and then.
MESSAGES_A_CONNECTION = 100


class _Known:
    """Tells its owner of itself before it connects, so that the line can be cut while the greeting goes on."""

    def __init__(self, owner: "Server", *args: Any, **kwargs: Any) -> None:
        owner.connection = self  # type: ignore[assignment] # each class below is one of smtplib's
        super().__init__(*args, **kwargs)


class _Plain(_Known, smtplib.SMTP):
    pass


class _Encrypted(_Known, smtplib.SMTP_SSL):
    pass


class Server:
    def __init__(self, smtp: Smtp, sender: str) -> None:
        self.smtp = smtp
        self.sender = parseaddr(sender)[1]
        self.connection: smtplib.SMTP | None = None
        self.used = 0

    def ready(self) -> None:
        """A connection that answers: the one before, or a new one."""
        try:
            with self._limited():
                self._connected()
        except (OSError, smtplib.SMTPException, UnicodeError) as problem:
            self._forget()
            raise Unreachable(f"The mail server cannot be reached: {_words(problem)}") from problem

    def deliver(self, mail: Mail, message: bytes) -> Outcome:
        connection = self.connection
        assert connection, "ready() comes first"
        with self._limited():
            outcome = self._hand_over(connection, mail.address, message)
        if outcome.what != "sent":
            # After a refusal nobody knows what the server expects next; 421 closes the connection anyway.
            self._forget()
        return outcome

    def _hand_over(self, connection: smtplib.SMTP, address: str, message: bytes) -> Outcome:
        """The envelope, whose refusal is certain; then the text, after which silence leaves doubt."""
        try:
            to = _ascii(address, connection)
            options = ["SMTPUTF8"] if not to.isascii() else []
            code, said = connection.mail(self.sender, options)
            if not 200 <= code < 300:
                # It is about us, so time may mend it, whatever the code.
                return Outcome("refused", _text(code, said))
            code, said = connection.rcpt(to)
            if not 200 <= code < 300:
                return _refusal(code, said)
        except smtplib.SMTPNotSupportedError:
            return Outcome("dead", "The mail server cannot write to this address: it lacks SMTPUTF8.")
        except (OSError, smtplib.SMTPException) as problem:
            return Outcome("refused", _words(problem))
        try:
            code, said = connection.data(message)
        except smtplib.SMTPDataError as problem:
            # The server did not want to hear the text.
            return _refusal(problem.smtp_code, problem.smtp_error)
        except (OSError, smtplib.SMTPException) as problem:
            return Outcome("unanswered", f"No answer after the text: {_words(problem)}")
        if 200 <= code < 300:
            return Outcome("sent", _text(code, said))
        # What says neither yes nor no leaves doubt, as silence does.
        return _refusal(code, said) if 400 <= code < 600 else Outcome("unanswered", _text(code, said))

    def _connected(self) -> None:
        if self.connection is not None and self.used < MESSAGES_A_CONNECTION:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                if self.connection.rset()[0] == 250:
                    self.used += 1
                    return
        self.close()
        self._connect()
        self.used = 1

    def _connect(self) -> None:
        smtp = self.smtp
        made: smtplib.SMTP
        if smtp.tls == "smtps":
            made = _Encrypted(self, smtp.host, smtp.port, timeout=smtp.timeout, context=_trusted())
        else:
            made = _Plain(self, smtp.host, smtp.port, timeout=smtp.timeout)
        made.ehlo_or_helo_if_needed()
        if smtp.tls == "starttls":
            # Raises where the server does not offer it, so that nothing goes out in clear.
            code, said = made.starttls(context=_trusted())
            if code != 220:
                raise smtplib.SMTPResponseException(code, said)
            made.ehlo()
        if smtp.user:
            made.login(smtp.user, smtp.password)

    @contextlib.contextmanager
    def _limited(self) -> Iterator[None]:
        """Cut the line when an attempt takes too long as a whole: each wait for itself ends earlier."""
        timer = threading.Timer(LONGEST_ATTEMPT, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        line = self.connection and self.connection.sock
        if line:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _forget(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def close(self) -> None:
        if self.connection is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self.connection.quit()
            self._forget()


def _trusted() -> ssl.SSLContext:
    """The certificates that the system trusts now: reading them takes longer than all else of a connection."""
    return ssl.create_default_context()


def _ascii(address: str, connection: smtplib.SMTP) -> str:
    """The address as the server can take it: its domain in ASCII, its local part too unless both know SMTPUTF8."""
    plain = text.mail_address(address)
    if not plain.isascii() and not connection.has_extn("smtputf8"):
        raise smtplib.SMTPNotSupportedError
    return plain


def _refusal(code: int, said: bytes | str) -> Outcome:
    return Outcome("dead" if 500 <= code < 600 else "refused", _text(code, said))


def _text(code: int, said: bytes | str) -> str:
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    # The library gives what has no number a negative one, and takes off its first letters.
    return f"{code} {' '.join(words.split())}"[:300] if code > 0 else "What it answers is no SMTP."


def _words(problem: Exception) -> str:
    """Without what was sent: an answer to a sign-in may repeat it."""
    if isinstance(problem, smtplib.SMTPAuthenticationError):
        return f"{problem.smtp_code}, the sign-in was refused."
    if isinstance(problem, smtplib.SMTPResponseException):
        return _text(problem.smtp_code, problem.smtp_error)
    if isinstance(problem, TimeoutError):
        return "no answer in time."
    return f"{type(problem).__name__}: {problem}"[:200]
