"""Mail as it arrives: what is sent when, to whom, with which words, and what becomes of it when the server says no."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from jobs import send_mail
from models import ApiKey, KeySecret, Mail, Member, Notice, database, key_mail, outbox, usage_fold
from models.actor import SYSTEM
from models.database import now
from models.mail_settings import Smtp
from models.settings import Settings
from tests.support.cast import Person, make_key
from tests.support.clients import ApiClient, Browser
from tests.support.mailbox import Mailbox

Browse = Callable[[Person], Browser]
NEVER = re.compile(r"gr_[0-9a-hjkmnp-tv-z]{20}")


def run_later(**delta: float) -> str:
    send_mail._state.quiet_until = 0.0
    with database.at(now() + timedelta(**delta)):
        return send_mail.run()


def statuses(key: ApiKey) -> dict[str, str]:
    return {notice.address: notice.status for notice in outbox.notices_of(key)}


def test_a_new_key_is_told_at_once_to_owners_and_its_maker(
    mailbox: Mailbox, ada: Person, olga: Person, bob: Person, browse: Browse
) -> None:
    form = {"name": "Nightly report", "scopes": "read:members", "expires": "90", "form_id": "one"}
    answer = browse(olga).post(olga.settings("api-keys/new"), form)
    assert answer.status_code == 201, answer.text
    key = ApiKey.get(ApiKey.name == "Nightly report")
    assert statuses(key) == {"ada@example.com": "planned", "olga@example.com": "planned"}
    assert send_mail.run() == "2 sent"
    assert statuses(key) == {"ada@example.com": "sent", "olga@example.com": "sent"}
    assert sorted(each.to for each in mailbox.arrived) == [("ada@example.com",), ("olga@example.com",)]
    [mail] = mailbox.to("ada@example.com")
    assert mail.subject == "New API key “Nightly report” in Fieldstone"
    for text in (mail.text, mail.html):
        assert "Olga Ladyzhenskaya created this key." in text
        assert "read:members" in text
        assert f"http://localhost{ada.settings('api-keys')}/{key.id}/revoke" in text
    assert not NEVER.search(mail.raw.decode())
    assert "List-Unsubscribe" not in mail.message
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert send_mail.run() == ""
    assert len(mailbox.arrived) == 2


def test_a_key_made_over_the_api_is_told_to_owners(
    mailbox: Mailbox, ada: Person, olga: Person, call: Callable[..., ApiClient]
) -> None:
    _, admin = make_key(ada, name="Deployer", scopes={"admin:workspace"})
    body = {"name": "Made by a key", "scopes": ["read:data"]}
    assert call(admin).post(ada.api("api-keys"), json=body).status_code == 201
    send_mail.run()
    told = [each for each in mailbox.arrived if "Made by a key" in each.subject]
    assert [each.to for each in told] == [("ada@example.com",)]
    assert "The key Deployer created this key." in told[0].text


def test_without_a_server_mail_becomes_private_files(settings: Settings, app: object, ada: Person) -> None:
    make_key(ada, name="Report")
    assert send_mail.run() == "1 sent"
    [file] = (settings.data_dir / "mail").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.suffix == ".eml"
    assert b"To: ada@example.com\r\n" in file.read_bytes()


def test_a_leak_is_told_to_everybody_who_manages_keys(mailbox: Mailbox, ada: Person, olga: Person, bob: Person) -> None:
    key, _ = make_key(ada, name="Leaky")
    send_mail.run()
    key.revoke(by=olga.actor, reason="leaked", note="Seen in a gist")
    send_mail.run()
    leaks = [each for each in mailbox.arrived if each.subject.startswith("Leaked")]
    assert sorted(each.to[0] for each in leaks) == ["ada@example.com", "olga@example.com"]
    assert "Seen in a gist" in leaks[0].text


@pytest.mark.parametrize("name", ["x\u202egnp.exe", "<img src=x onerror=alert(1)>{{7*7}}", "=1+1 🔑 ünï"])
def test_names_are_text_in_subject_text_and_html(mailbox: Mailbox, ada: Person, name: str) -> None:
    key, _ = make_key(ada, name="Plain")
    # As an older version or another program may have left it.
    facts = {"name": f"{name}\r\nBcc: eve@example.com\0", "by": "Eve\r\nX-Evil: 1"}
    outbox.promise("key_leaked", ada.workspace.id, "other", key=key, facts=facts)
    send_mail.run()
    mail = next(each for each in mailbox.arrived if each.subject.startswith("Leaked"))
    assert mail.to == ("ada@example.com",)
    assert mail.message["Bcc"] is None
    assert mail.message["X-Evil"] is None
    assert "\u202e" not in mail.raw.decode() + mail.subject + mail.text + mail.html
    assert "<img" not in mail.html
    assert "{{7*7}}" in mail.html or "7*7" not in name


def test_links_lead_to_the_base_url_alone(mailbox: Mailbox, settings: Settings, ada: Person, app: object) -> None:
    send_mail.use(replace(mailbox.settings(settings), base_url="https://keys.example.com"))
    make_key(ada)
    send_mail.run()
    [mail] = mailbox.arrived
    links = set(re.findall(r"https?://[^/\s\"<]+", mail.text + mail.html))
    assert links == {"https://keys.example.com"}
    assert "<img" not in mail.html
    assert mail.message["Message-ID"].endswith("@keys.example.com>")


@pytest.mark.parametrize("answer", ["421", "450", "451"])
def test_what_is_refused_for_now_is_sent_later(mailbox: Mailbox, ada: Person, answer: str) -> None:
    key, _ = make_key(ada)
    mailbox.plans["ada@example.com"] = [answer, answer]
    assert send_mail.run() == "1 refused"
    [notice] = outbox.notices_of(key)
    assert (notice.status, notice.why[:3]) == ("failed", answer)
    assert send_mail.run() == "", "it waits for a while"
    assert run_later(minutes=2) == "1 refused"
    assert run_later(minutes=10) == "1 sent"
    assert [each.to for each in mailbox.arrived] == [("ada@example.com",)]
    assert statuses(key) == {"ada@example.com": "sent"}


@pytest.mark.parametrize("answer", ["550", "551", "554"])
def test_what_is_refused_for_good_is_a_dead_letter_and_can_be_sent_again(
    mailbox: Mailbox, ada: Person, olga: Person, answer: str
) -> None:
    key, _ = make_key(olga)
    mailbox.plans["ada@example.com"] = [answer]
    assert send_mail.run() == "1 dead, 1 sent"
    assert statuses(key) == {"ada@example.com": "dead", "olga@example.com": "sent"}
    assert run_later(days=30) == ""
    [dead] = Mail.select().where(Mail.status == "dead")
    assert dead.error.startswith(answer)
    assert dead.try_again()
    assert not dead.try_again()
    assert send_mail.run() == "1 sent"
    assert statuses(key) == {"ada@example.com": "sent", "olga@example.com": "sent"}


def test_what_finds_no_taker_for_three_days_is_a_dead_letter(mailbox: Mailbox, ada: Person) -> None:
    key, _ = make_key(ada)
    mailbox.everything = "450"
    tries, hours = 0, 0.0
    while statuses(key) != {"ada@example.com": "dead"} and hours < 100:
        tries += run_later(hours=hours) != ""
        hours += 0.5
    assert 68 <= hours <= 73
    assert 15 <= tries <= 40, "pauses grow"
    assert "Given up after three days" in outbox.notices_of(key)[0].why


def test_a_server_that_is_away_delays_everything_and_loses_nothing(
    mailbox: Mailbox, settings: Settings, ada: Person
) -> None:
    away = replace(mailbox.settings(settings), smtp=Smtp("127.0.0.1", 1, "none", timeout=1))
    send_mail.use(away)
    keys = [make_key(ada, name=f"Key number {number}")[0] for number in range(5)]
    assert send_mail.run() == "1 waiting"
    assert send_mail.run() == "", "it is left alone for a moment"
    for minutes in range(5, 60, 5):
        assert run_later(minutes=minutes) == "1 waiting"
    assert "cannot be reached" in outbox.notices_of(keys[0])[0].why
    send_mail.use(mailbox.settings(settings))
    assert run_later(minutes=60) == "5 sent"
    assert [each.subject.split("”")[0][-1] for each in mailbox.arrived] == list("01234"), "in order"
    assert set(mailbox.copies().values()) == {1}


def test_whoever_left_meanwhile_gets_no_mail(mailbox: Mailbox, ada: Person, olga: Person) -> None:
    key, _ = make_key(olga)
    Member.find(ada.workspace.id, olga.member.id).remove(by=ada.actor)
    send_mail.run()
    assert [each.to for each in mailbox.arrived] == [("ada@example.com",)]
    assert statuses(key) == {"ada@example.com": "sent", "olga@example.com": "dropped"}
    [gone] = [notice for notice in outbox.notices_of(key) if notice.status == "dropped"]
    assert gone.why == "No longer in the workspace."


def test_a_storm_becomes_one_message_that_names_all(mailbox: Mailbox, ada: Person) -> None:
    for number in range(12):
        make_key(ada, name=f"Storm {number}")
    assert send_mail.run() == "1 sent"
    [mail] = mailbox.arrived
    assert mail.subject == "12 new API keys of Fieldstone"
    assert all(f"Storm {number}" in mail.text for number in range(12))


def test_sample_data_promises_nothing(ada: Person) -> None:
    with outbox.quiet():
        make_key(ada)
    assert not Notice.select().exists()


def test_a_key_that_was_found_and_still_works_is_told_with_the_place(mailbox: Mailbox, ada: Person) -> None:
    found, _ = make_key(ada, name="Found")
    ended, _ = make_key(ada, name="Found and revoked")
    send_mail.run()
    mailbox.arrived.clear()
    for key in (found, ended):
        where = (key, KeySecret.current_of(key.id), "https://example.com/leak.txt", "told")
        key_mail.found(ada.workspace.id, [where], SYSTEM, now())
    ended.revoke(by=ada.actor, reason="unneeded")
    send_mail.run()
    [mail] = mailbox.arrived
    assert mail.subject == "Leaked API key “Found” of Fieldstone still works"
    assert "https://example.com/leak.txt" in mail.text
    assert f"/api-keys/{found.id}/rotate" in mail.html
    assert [notice.status for notice in outbox.notices_of(ended) if notice.kind == "key_leaked"] == ["dropped"]


def test_each_place_where_a_dead_secret_is_used_is_told_once(
    mailbox: Mailbox, ada: Person, call: Callable[..., ApiClient]
) -> None:
    key, old = make_key(ada, name="Rotated")
    key.rotate(by=ada.actor)
    send_mail.run()
    mailbox.arrived.clear()
    for _ in range(2):
        for client in ("cron/1", "python-requests/2.32"):
            call(old).get(ada.api(), headers={"User-Agent": client})
        usage_fold.fold()
        send_mail.run()
    assert {each.subject for each in mailbox.arrived} == {"A dead secret of “Rotated” in Fieldstone is in use"}
    assert len(mailbox.arrived) == 2
    [mail] = [each for each in mailbox.arrived if "cron/1" in each.text]
    assert "192.0.2.7" in mail.html
    assert old not in mail.raw.decode()
