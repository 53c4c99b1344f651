"""The lines of docs/webhooks.md with which a receiver checks a request, run as they stand there."""

import re
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from models.database import now
from models.webhook_signature import SigningSecret, headers

TEXT = (Path(__file__).parent.parent / "docs" / "webhooks.md").read_text()
BODY = '{"type": "api_key.revoked", "data": {"name": "Übertrag"}}'.encode()

Check = Callable[[str, dict[str, str], bytes, Path], bool]


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", TEXT, re.S)
    assert found
    return found[1]


def in_python(secret: str, fields: dict[str, str], body: bytes, folder: Path) -> bool:
    names: dict[str, Callable[..., bool]] = {}
    exec(block("python"), names)  # noqa: S102 our own document
    return bool(names["is_ours"](secret, fields, body))


def in_a_shell(secret: str, fields: dict[str, str], body: bytes, folder: Path, shell: str = "sh") -> bool:
    file = folder / "body"
    file.write_bytes(body)
    given = {
        "PATH": "/usr/bin:/bin",
        "SECRET": secret,
        "ID": fields["webhook-id"],
        "TIMESTAMP": fields["webhook-timestamp"],
        "SIGNATURE": fields["webhook-signature"],
        "BODY": str(file),
    }
    return subprocess.run([shell, "-c", block("sh")], env=given, check=False).returncode == 0


def in_bash(secret: str, fields: dict[str, str], body: bytes, folder: Path) -> bool:
    """What `sh` is on many systems."""
    return in_a_shell(secret, fields, body, folder, "bash")


@pytest.mark.parametrize("check", [in_python, in_a_shell, in_bash])
def test_they_tell_ours_from_others(check: Check, tmp_path: Path) -> None:
    ours, other = SigningSecret.generate(), SigningSecret.generate()
    fields = headers("msg_1", now(), BODY, [ours])
    assert check(ours.reveal(), fields, BODY, tmp_path)
    assert check(ours.reveal(), headers("msg_1", now(), BODY, [other, ours]), BODY, tmp_path)
    assert not check(other.reveal(), fields, BODY, tmp_path)
    assert not check(ours.reveal(), fields, BODY + b" ", tmp_path)
    assert not check(ours.reveal(), fields | {"webhook-id": "msg_2"}, BODY, tmp_path)
    old = headers("msg_1", now() - timedelta(minutes=6), BODY, [ours])
    assert not check(ours.reveal(), old, BODY, tmp_path)


@pytest.mark.parametrize("check", [in_python, in_a_shell, in_bash])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        # A shell runs what stands in the place of a number.
        ("webhook-timestamp", "x[$(touch {folder}/ran)]"), ("webhook-timestamp", "$(touch {folder}/ran)"),
        ("webhook-timestamp", ""), ("webhook-timestamp", "soon"), ("webhook-timestamp", "9" * 5000),
        ("webhook-timestamp", "-1"), ("webhook-signature", ""), ("webhook-signature", "v1,"),
        ("webhook-signature", "v1,\u00fc"), ("webhook-signature", "*"), ("webhook-id", "`touch {folder}/ran`"),
    ],
)  # fmt: skip
def test_what_strangers_send_is_refused_and_does_nothing(check: Check, tmp_path: Path, name: str, value: str) -> None:
    secret = SigningSecret.generate()
    fields = headers("msg_1", now(), BODY, [secret]) | {name: value.format(folder=tmp_path)}
    assert not check(secret.reveal(), fields, BODY, tmp_path)
    assert not (tmp_path / "ran").exists()


def test_a_request_without_the_fields_is_none_of_ours(tmp_path: Path) -> None:
    assert not in_python(SigningSecret.generate().reveal(), {}, BODY, tmp_path)
