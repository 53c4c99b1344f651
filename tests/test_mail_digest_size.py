"""A digest of very many keys: short enough to be shown whole, with what is urgent first."""

import re
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from jobs import flag_keys, send_mail
from models import ApiKey, Mail, Member, Notice, Workspace, database, outbox
from models.settings import Settings
from tests.support.cast import Person, make_key
from tests.support.keys import aged, on_plan
from tests.support.mailbox import Mailbox

START = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
EIGHT = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
MANY = 10_000


def run_at_eight() -> str:
    with database.at(EIGHT):
        return send_mail.run()


def many_unused(ada: Person) -> None:
    """So many keys, and for each the promise to tell that it lies unused."""
    with outbox.quiet(), database.at(START):
        key = aged(make_key(ada, name="One of many")[0])
    with database.at(START):
        outbox.promise("unused", ada.workspace.id, key.id, "90d", key=key)
    [notice] = outbox.notices_of(key)
    names = [(f"key_many{number:05}", f"Many {number:05}") for number in range(MANY)]
    keys = [{**key.__data__, "id": id, "name": name, "name_folded": name.lower()} for id, name in names]
    notices = [{**notice.__data__, "id": f"ntc_{id}", "subject": id, "key_id": id} for id, _ in names]
    with database.transaction():
        for start in range(0, MANY, 500):
            ApiKey.insert_many(keys[start : start + 500]).execute()
            Notice.insert_many(notices[start : start + 500]).execute()


def test_thousands_of_keys_are_one_mail_of_bounded_size_in_bounded_memory(mailbox: Mailbox, ada: Person) -> None:
    many_unused(ada)
    tracemalloc.start()
    try:
        assert run_at_eight() == "1 sent"
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    [mail] = mailbox.arrived
    assert mail.subject == "10,001 API keys of Fieldstone are unused"
    assert mail.text.count("Many 0") == 25
    assert "And 9,976 other keys: http://localhost/w/" in mail.text
    assert len(mail.raw) < 102_000, "Gmail cuts longer ones"
    assert peak < 12_000_000, "a batch at a time, not all"
    assert Notice.select().join(Mail).where(Mail.status == "sent").count() == MANY + 1


def test_many_keys_of_many_kinds_are_one_mail_that_is_shown_whole(
    mailbox: Mailbox, settings: Settings, ada: Person, olga: Person
) -> None:
    host = "https://keys.internal.a-company-with-a-long-name.example.com"
    send_mail.use(replace(mailbox.settings(settings), base_url=host))
    on_plan(ada, "business")
    with database.at(START), outbox.quiet():
        for number in range(30):
            name = f"Nightly export of the orders of region {number}"
            aged(make_key(olga, name=name, expires_at=START + timedelta(days=5, hours=number))[0])
        olga.member.change({"role": "member"}, by=ada.actor)
    with database.at(START):
        flag_keys.run()
    assert run_at_eight() == "1 sent"
    [mail] = mailbox.arrived
    assert mail.subject == "API key “Nightly export of th…” expires in 4 days, 29 more need a look"
    assert mail.text.startswith("30 API keys need a look, Fieldstone")
    assert len(mail.html) < 90_000, "Gmail cuts longer ones, and its foot with them"
    titles = re.findall(r"^(Expires soon|Rotation due|Maker gone|Unused): 30 keys\r?$", mail.text, re.MULTILINE)
    assert titles == ["Expires soon", "Rotation due", "Maker gone", "Unused"]
    assert mail.text.count("And 20 other keys: ") == 4
    assert "Stop this mail" in mail.html


def test_what_is_urgent_comes_first_whatever_its_workspace(mailbox: Mailbox, ada: Person, mallory: Person) -> None:
    Workspace.update(name="Zebra").where(Workspace.id == ada.workspace.id).execute()
    Member.update(user=ada.user).where(Member.id == mallory.member.id).execute()
    with database.at(START), outbox.quiet():
        make_key(ada, name="Ends soon", expires_at=START + timedelta(days=2))
        aged(make_key(mallory, name="Old", expires_at=None)[0])
    with database.at(START):
        flag_keys.run()
    run_at_eight()
    [mail] = mailbox.to("ada@example.com")
    assert mail.text.index("Expires soon: Zebra") < mail.text.index(f"Rotation due: {mallory.workspace.name}")
