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


def in_a_shell(secret: str, fields: dict[str, str], body: bytes, folder: Path) -> bool:
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
    return subprocess.run(["sh", "-c", block("sh")], env=given, check=False).returncode == 0


@pytest.mark.parametrize("check", [in_python, in_a_shell])
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
