"""The mail server in the settings: what is understood, what is refused, and that nothing goes out in clear."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jobs import send_mail
from models import outbox, settings
from models.mail_settings import Smtp, parse_sender, parse_smtp
from models.settings import Settings, SettingsError
from tests.support import mailbox as mailboxes
from tests.support.cast import Person, make_key
from tests.support.mailbox import Mailbox

PASSWORD = "k33p%40me"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.com", Smtp("mail.example.com", 25, "none")),
        ("smtps://mail.example.com", Smtp("mail.example.com", 465, "smtps")),
        (
            f"smtp://u%40x:{PASSWORD}@mail.example.com:587?starttls=1",
            Smtp("mail.example.com", 587, "starttls", "u@x", "k33p@me"),
        ),
        ("smtp://user:pass@127.0.0.1:2525", Smtp("127.0.0.1", 2525, "none", "user", "pass")),
        ("smtp://localhost:2525?timeout=5", Smtp("localhost", 2525, "none", timeout=5.0)),
    ],
)
def test_a_mail_server_is_one_address(url: str, expected: Smtp) -> None:
    assert parse_smtp(url) == expected
    assert "k33p@me" not in repr(parse_smtp(url))


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com:25",
        "http://mail.example.com",
        "smtp://",
        "smtp://host:port",
        "smtp://host:99999",
        "smtp://host/path",
        "smtp://host?starttls=yes",
        "smtp://host?timeout=0",
        "smtp://host?unknown=1",
        f"smtp://user:{PASSWORD}@mail.example.com",
        f"smtp://user:{PASSWORD}@[::1",
    ],
)
def test_a_mistake_is_one_line_without_the_password(url: str, tmp_path: Path) -> None:
    environ = {"GRAVITY_DATA_DIR": str(tmp_path), "GRAVITY_SMTP_URL": url, "GRAVITY_MAIL_FROM": "keys@example.com"}
    with pytest.raises(SettingsError) as problem:
        settings.read(environ)
    [line] = problem.value.mistakes
    assert line.startswith("GRAVITY_SMTP_URL")
    assert PASSWORD not in line


def test_a_server_needs_a_sender(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="GRAVITY_MAIL_FROM is missing"):
        settings.read({"GRAVITY_DATA_DIR": str(tmp_path), "GRAVITY_SMTP_URL": "smtp://localhost"})


def test_without_settings_mail_has_a_sender_of_the_public_host(tmp_path: Path) -> None:
    read = settings.read({"GRAVITY_DATA_DIR": str(tmp_path), "GRAVITY_BASE_URL": "https://keys.example.com"})
    assert (read.smtp, read.mail_from) == (None, "Gravity Rail <gravity-rail@keys.example.com>")


@pytest.mark.parametrize(
    "sender", ["keys@example.com", "Gravity Rail <keys@localhost>", "Schlüssel <keys@bücher.example>"]
)
def test_a_sender_is_an_address_with_or_without_a_name(sender: str) -> None:
    assert "@" in parse_sender(sender)


@pytest.mark.parametrize(
    "sender", ["nobody", "a@b@c", "x <a@b>\r\nBcc: e@example.com", "@example.com", "a b@example.com", "a@"]
)
def test_a_sender_that_is_none_is_refused(sender: str) -> None:
    with pytest.raises(ValueError, match="GRAVITY_MAIL_FROM"):
        parse_sender(sender)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of a server called localhost, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime.now(UTC) + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    file = tmp_path / "server.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


def use(mailbox: Mailbox, base: Settings, **smtp: Any) -> None:
    send_mail.use(replace(mailbox.settings(base), smtp=replace(mailbox.smtp(), host="localhost", **smtp)))


@pytest.mark.parametrize("tls", ["starttls", "smtps"])
def test_mail_goes_out_encrypted_to_a_server_that_is_who_it_says(
    app: object, settings: Settings, ada: Person, certificate: Path, monkeypatch: pytest.MonkeyPatch, tls: str
) -> None:
    make_key(ada)
    with mailboxes.running(certificate, smtps=tls == "smtps") as mailbox:
        use(mailbox, settings, tls=tls)
        assert send_mail.run() == "1 waiting", "nobody vouches for the certificate"
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        use(mailbox, settings, tls=tls)
        assert send_mail.run() == "1 sent"
        assert len(mailbox.arrived) == 1


def test_nothing_goes_out_in_clear_where_starttls_was_asked_for(app: object, settings: Settings, ada: Person) -> None:
    key, _ = make_key(ada)
    with mailboxes.running() as mailbox:
        use(mailbox, settings, tls="starttls", user="user", password="not to be sent")
        assert send_mail.run() == "1 waiting"
        assert mailbox.arrived == []
    [notice] = outbox.notices_of(key)
    assert "STARTTLS" in notice.why
