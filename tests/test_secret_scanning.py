"""GitHub's secret-scanning alerts, over HTTP, with real signatures and a real server of public keys."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from flask import Flask

from models import ApiKey, AuditEvent, Leak, secret
from models.database import now
from models.secret import Pepper
from tests.conftest import PEPPER
from tests.support import ledger
from tests.support.cast import Person
from tests.support.github import PATH, Publisher, Send, body_of, github, labels, match, send
from tests.support.keys import actions, reread, works

MakeKey = Callable[..., tuple[ApiKey, str]]
__all__ = ["github", "send"]

# The order of the group of P-256.
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def test_a_key_found_in_public_is_revoked_and_recorded(ada: Person, make_key: MakeKey, send: Send) -> None:
    key, text = make_key(ada, name="Nightly report")
    answer = send(match(text))
    assert answer.get_json() == [{"token_raw": text, "token_type": "gravity_rail_api_key", "label": "true_positive"}]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    assert not works(text)
    found = reread(key)
    assert (found.revoked_by, found.revoke_reason) == ("GitHub secret scanning", "leaked")
    assert actions(key) == ["api_key.created", "api_key.leaked", "api_key.revoked"]
    told = AuditEvent.about(ada.workspace.id, key.id)[1].facts
    assert (told["reporter"], told["source"], told["outcome"]) == ("github", "content", "revoked")
    assert told["url"] == "https://github.com/octo/site/blob/1f/app.py#L3"


def test_the_same_alert_again_changes_nothing(ada: Person, make_key: MakeKey, send: Send) -> None:
    key, text = make_key(ada)
    for _ in range(3):
        assert labels(send(match(text), match(text))) == ["true_positive"] * 2
    assert actions(key).count("api_key.leaked") == actions(key).count("api_key.revoked") == 1
    assert Leak.select().count() == 1


def test_another_signature_of_the_same_body_is_the_same_alert(
    ada: Person, make_key: MakeKey, github: Publisher, app: Flask
) -> None:
    """(r, n - s) verifies as well as (r, s), so a signature says nothing about whether an alert is new."""
    key, text = make_key(ada)
    body = body_of(match(text))
    r, s = decode_dss_signature(github.signer.sign(body))
    for each in (s, ORDER - s):
        headers = github.signer.headers(body, encode_dss_signature(r, each))
        assert app.test_client().post(PATH, data=body, headers=headers).status_code == 200
    assert actions(key).count("api_key.leaked") == 1


def test_the_label_is_about_the_whole_secret(ada: Person, make_key: MakeKey, send: Send) -> None:
    _, text = make_key(ada)
    other = text[:-1] + ("0" if text[-1] != "0" else "1")
    near = (other, text + "0", text.upper(), f" {text}", "gr_", "", "gr_" + "²" * 20, "\ud800")
    assert set(labels(send(*map(match, near)))) == {"false_positive"}
    assert works(text)


@pytest.mark.parametrize("how", ["revoked", "expired", "deleted", "disabled"])
def test_what_is_no_danger_is_still_ours(ada: Person, make_key: MakeKey, send: Send, how: str) -> None:
    key, text = make_key(ada, expires_at=now() + timedelta(days=30))
    verbs = {"revoked": ["revoke"], "deleted": ["revoke", "delete"], "disabled": ["disable"], "expired": []}
    for verb in verbs[how]:
        getattr(reread(key), verb)(by=ada.actor)
    with time_machine.travel(now() + timedelta(days=31 if how == "expired" else 0), tick=False):
        assert labels(send(match(text))) == ["true_positive"]
        # A disabled key could be enabled again.
        assert Leak.get().outcome == ("revoked" if how == "disabled" else "dead")
    assert (reread(key).revoked_by == "GitHub secret scanning") == (how == "disabled")


def test_a_secret_that_was_rotated_out_leaves_its_key_alone(ada: Person, make_key: MakeKey, send: Send) -> None:
    key, old = make_key(ada)
    fresh = key.rotate(by=ada.actor).reveal()
    assert labels(send(match(old))) == ["true_positive"]
    assert works(fresh)
    assert actions(key)[-1] == "api_key.leaked"
    assert Leak.get().outcome == "dead"
    assert labels(send(match(fresh))) == ["true_positive"]
    assert not works(fresh)


def test_an_old_secret_is_a_danger_until_the_very_end_of_its_overlap(
    ada: Person, make_key: MakeKey, send: Send
) -> None:
    made = [make_key(ada) for _ in range(2)]
    with time_machine.travel(now(), tick=False) as clock:
        for key, _ in made:
            key.rotate(by=ada.actor, overlap="1h")
        clock.shift(timedelta(hours=1) - timedelta(microseconds=1))
        send(match(made[0][1]))
        clock.shift(timedelta(microseconds=1))
        send(match(made[1][1]))
    assert [Leak.of(key)[0].outcome for key, _ in made] == ["revoked", "dead"]


def test_a_secret_is_known_under_an_older_pepper(ada: Person, make_key: MakeKey, send: Send) -> None:
    key, text = make_key(ada)
    secret.use_peppers((Pepper("2", ledger.fresh("pepper").encode()), PEPPER))
    assert labels(send(match(text))) == ["true_positive"]
    assert reread(key).revoke_reason == "leaked"


def test_each_place_is_kept_once_and_no_more_than_a_few(ada: Person, make_key: MakeKey, send: Send) -> None:
    key, text = make_key(ada)
    places = [match(text, url=f"https://github.com/octo/{number}") for number in range(30)]
    assert labels(send(*places, *places)) == ["true_positive"] * 60
    assert len(Leak.of(key)) == 20
    assert actions(key).count("api_key.leaked") == 1


def test_a_bad_record_does_not_stop_the_batch(ada: Person, make_key: MakeKey, send: Send) -> None:
    _, first = make_key(ada)
    _, last = make_key(ada)
    bad: list[Any] = [None, 1, "x", [], {}, {"type": "x"}, {"token": None}, {"token": 5}, {"token": ["gr_"]}]
    answer = send(match(first), *bad, {"token": last, "type": 3, "url": {"x": 1}})
    assert labels(answer) == ["true_positive"] * 2
    assert answer.get_json()[1]["token_type"] == ""
    assert not works(first) and not works(last)


def test_what_a_place_says_is_cleaned_before_it_is_kept(ada: Person, make_key: MakeKey, send: Send) -> None:
    key, text = make_key(ada)
    send(match(text, url=f"https://evil.example/?k={text}\r\n\0\u202e" + "x" * 9000, source="a\nb" * 99, type="\ud83d"))
    [kept] = Leak.of(key)
    assert kept.url.startswith("https://evil.example/?k=gr_…xxx") and len(kept.url) == 400
    assert len(kept.source) == 80 and "\n" not in kept.source and kept.type == ""


def test_ten_thousand_matches_in_one_alert(ada: Person, make_key: MakeKey, send: Send) -> None:
    _, text = make_key(ada)
    strangers = [match(f"gr_{number:020d}") for number in range(10_000)]
    found = labels(send(*strangers[:5000], match(text), *strangers[5000:]))
    assert (len(found), found.count("true_positive"), found[5000]) == (10_001, 1, "true_positive")
    assert not works(text)


def test_an_empty_list_is_answered_with_one(send: Send) -> None:
    answer = send()
    assert (answer.status_code, answer.get_json()) == (200, [])
