"""A sender that is killed anywhere, with SIGKILL: each message arrives, and under one id however often it does."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from jobs import send_webhooks
from models import Webhook, WebhookDelivery, database
from models.database import now
from models.settings import Settings
from tests.support import ledger
from tests.support.artifacts import ROOT
from tests.support.cast import Person, make_key
from tests.support.receiver import receiving

MOST_STATEMENTS = 60


@pytest.fixture
def key_file(tmp_path: Path, connected: str, settings: Settings) -> Iterator[Path]:
    file = tmp_path / "signing-key"
    file.write_text(ledger.note(secrets.token_urlsafe(36), "signing key"))
    send_webhooks.use(replace(settings, secret_keys=(file.read_text(),)))
    yield file
    file.unlink()


def command(url: str, key_file: Path, statement: int) -> list[str]:
    return [sys.executable, "-m", "tests.support.killed_webhooks", url, str(key_file), str(statement)]


def run_after_the_lease() -> None:
    with database.at(now() + timedelta(minutes=3)):
        send_webhooks.run()


def test_a_sender_killed_at_any_statement_loses_nothing(connected: str, ada: Person, key_file: Path) -> None:
    with receiving() as receiver:
        hook, secret = Webhook.add(ada.workspace, url=receiver.url, events=["*"], by=ada.actor)
        deaths = repeats = 0
        for statement in range(0, MOST_STATEMENTS, 1 if "sqlite" in connected else 2):
            receiver.got.clear()
            make_key(ada, name=f"Killed {statement}")[0].revoke(by=ada.actor)
            done = subprocess.run(command(connected, key_file, statement), cwd=ROOT, env=os.environ, check=False)
            died = done.returncode == -9
            run_after_the_lease()
            assert {each.status for each in WebhookDelivery.log_of(hook)} == {"delivered"}, statement
            assert len({got.id for got in receiver.got}) == 2, statement
            assert 2 <= len(receiver.got) <= 2 + died, statement
            assert {got.verified(secret.reveal())["type"] for got in receiver.got} == {
                "api_key.created",
                "api_key.revoked",
            }
            deaths, repeats = deaths + died, repeats + len(receiver.got) - 2
            if not died:
                break
        assert deaths > 5
        assert not died, "the loop saw every statement"
        assert repeats >= 1, "it was killed between the answer and its note, too"


def test_a_sender_killed_while_it_waits_for_the_answer(connected: str, ada: Person, key_file: Path) -> None:
    with receiving() as receiver:
        receiver.answers = ["hang", 200]
        hook, secret = Webhook.add(ada.workspace, url=receiver.url, events=["*"], by=ada.actor)
        make_key(ada)
        process = subprocess.Popen(command(connected, key_file, 1_000_000), cwd=ROOT, env=os.environ)
        assert receiver.arrived.wait(60)
        process.kill()
        process.wait()
        assert send_webhooks.run() == "", "somebody may still be at it"
        run_after_the_lease()
        first, second = receiver.got
        assert first.id == second.id
        assert second.body == first.body
        assert second.verified(secret.reveal())
        assert (WebhookDelivery.log_of(hook)[0].status, WebhookDelivery.log_of(hook)[0].attempts) == ("delivered", 2)
        receiver.released.set()
