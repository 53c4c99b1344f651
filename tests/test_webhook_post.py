"""One request over TLS: the name is in the certificate, in SNI and in Host, the connection goes to the address."""

import datetime
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jobs import webhook_post
from models import outside
from tests.support.receiver import receiving


def certificate_for(name: x509.GeneralName, folder: Path) -> Path:
    """Signed by itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture(autouse=True)
def in_development() -> Iterator[None]:
    outside.use(loopback=True)
    yield
    outside.use(loopback=False)


def here(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        (x509.DNSName("localhost"), ""),
        (x509.DNSName("hooks.example.com"), "Its certificate is not valid for this name."),
        (x509.IPAddress(ipaddress.ip_address("127.0.0.1")), "Its certificate is not valid for this name."),
    ],
)
def test_the_certificate_must_be_for_the_name_not_the_address(
    tmp_path: Path, name: x509.GeneralName, error: str
) -> None:
    file = certificate_for(name, tmp_path)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(file)
    asked: list[str | None] = []
    serving.sni_callback = lambda _, server_name, __: asked.append(server_name)
    trusting = ssl.create_default_context(cafile=str(file))
    with receiving(serving) as receiver:
        url = f"https://localhost:{receiver.port}/in"
        answer = webhook_post.post(url, {}, b"{}", resolve=here, context=trusting)
        assert (answer.status, answer.error) == (None if error else 200, error)
        assert asked == ["localhost"]
        assert [got.headers["host"] for got in receiver.got] == ([] if error else [f"localhost:{receiver.port}"])


def test_a_certificate_of_nobody_is_refused(tmp_path: Path) -> None:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate_for(x509.DNSName("localhost"), tmp_path))
    with receiving(serving) as receiver:
        answer = webhook_post.post(f"https://localhost:{receiver.port}/", {}, b"{}", resolve=here)
        assert answer.error == "Its certificate is not valid for this name."
        assert receiver.got == []
