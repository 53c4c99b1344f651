"""What is asked of a notice right before it is sent: is it true, as of now, and may they still be told?"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from jobs import flag_keys, send_mail
from models import ApiKey, Notice, Webhook, database, outbox
from models.database import now
from tests.support.cast import Person, joined, make_key
from tests.support.mailbox import Mailbox
from tests.support.policies import rule

DAY = timedelta(days=1)
MakeKey = Callable[..., ApiKey]
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def old_key(ada: Person) -> MakeKey:
    """old_key(maker, days=100, **settings): a key of that age, of whose making nobody was told."""

    def made(maker: Person = ada, *, days: int = 100, **settings: object) -> ApiKey:
        with outbox.quiet(), database.at(now() - days * DAY):
            return make_key(maker, **{"name": "CRM sync", **settings})[0]

    return made


def fates(key: ApiKey, kind: str) -> dict[str, str]:
    """Address → what became of the notice of this kind, and why."""
    return {each.address: f"{each.status} {each.why}".strip() for each in outbox.notices_of(key) if each.kind == kind}


def flag_at(moment: object) -> str:
    with database.at(moment):  # type: ignore[arg-type]
        return flag_keys.run()


def send_at(moment: object) -> str:
    with database.at(moment):  # type: ignore[arg-type]
        return send_mail.run()


def test_who_is_no_longer_an_owner_is_not_told_of_keys_that_others_make(
    mailbox: Mailbox, ada: Person, olga: Person
) -> None:
    eve = joined(ada.workspace, "Eve Curie", "owner")
    theirs, _ = make_key(olga)
    own, _ = make_key(eve)
    eve.member.change({"role": "admin"}, by=ada.actor)
    send_mail.run()
    assert fates(theirs, "key_created") == {
        "ada@example.com": "sent", "olga@example.com": "sent", "eve@example.com": "dropped No longer an owner."
    }  # fmt: skip
    assert fates(own, "key_created") == {"ada@example.com": "sent", "eve@example.com": "sent"}


def test_who_is_no_longer_an_owner_is_not_told_of_webhooks(mailbox: Mailbox, ada: Person) -> None:
    eve = joined(ada.workspace, "Eve Curie", "owner")
    hook, _ = Webhook.add(ada.workspace, url="https://example.com/", events=["*"], by=ada.actor)
    hook.disable(reason="gone")
    eve.member.change({"role": "admin"}, by=ada.actor)
    send_mail.run()
    assert [each.to for each in mailbox.arrived] == [("ada@example.com",)]


def test_a_rotation_that_was_undone_leaves_the_old_secret_due(mailbox: Mailbox, ada: Person, old_key: MakeKey) -> None:
    key = old_key()
    flag_at(now())
    key.rotate(by=ada.actor, overlap="24h")
    key.undo_rotation(by=ada.actor)
    assert send_at(now() + DAY) == "1 sent"
    assert fates(key, "rotation_due") == {"ada@example.com": "sent"}
    assert "Its secret is 101 days old." in mailbox.arrived[0].text


def test_what_comes_true_again_is_told_after_all(mailbox: Mailbox, ada: Person, old_key: MakeKey) -> None:
    rule(ada, unused_days=3000)
    ApiKey.update(last_used_at=now()).where(ApiKey.id == old_key().id).execute()
    [key] = ApiKey.select()
    assert flag_at(now()) == "rotation due: 1"
    key.rotate(by=ada.actor, overlap="7d")
    assert send_at(now() + DAY) == "1 dropped"
    assert fates(key, "rotation_due") == {"ada@example.com": "dropped The key was rotated meanwhile."}
    with database.at(now() + 2 * DAY):
        key.undo_rotation(by=ada.actor)
    assert flag_at(now() + 2 * DAY) == "rotation due: 1"
    assert fates(key, "rotation_due") == {"ada@example.com": "planned"}
    assert send_at(now() + 3 * DAY) == "1 sent"
    assert flag_at(now() + 4 * DAY) == "", "once"
    assert len(mailbox.arrived) == 1


def test_who_gave_up_managing_keys_twice_leaves_them_twice(
    mailbox: Mailbox, ada: Person, olga: Person, old_key: MakeKey
) -> None:
    key = old_key(olga, days=1)
    for role in ("member", "admin"):
        olga.member.change({"role": role}, by=ada.actor)
        flag_keys.run()
    assert send_at(now() + DAY) == "1 dropped"
    olga.member.change({"role": "member"}, by=ada.actor)
    flag_at(now() + DAY)
    assert send_at(now() + 2 * DAY) == "1 sent"
    planned = [each.status for each in outbox.notices_of(key) if each.kind == "maker_left"]
    assert sorted(planned) == ["dropped", "sent"]


def test_a_role_that_is_lost_again_after_its_mail_is_told_again(
    mailbox: Mailbox, ada: Person, olga: Person, old_key: MakeKey
) -> None:
    old_key(olga, days=1)
    for days in (1, 2):
        with database.at(now() + days * DAY):
            olga.member.change({"role": "member"}, by=ada.actor)
        assert flag_at(now() + days * DAY) == "maker left: 1"
        assert send_at(now() + (days + 0.9) * DAY) == "1 sent"
        with database.at(now() + (days + 0.95) * DAY):
            olga.member.change({"title": "Auditor"}, by=ada.actor)
        assert flag_at(now() + (days + 0.95) * DAY) == "", "another title is no other loss"
        with database.at(now() + (days + 0.95) * DAY):
            olga.member.change({"role": "admin", "title": ""}, by=ada.actor)
    assert [mail.subject for mail in mailbox.arrived] == ["API key “CRM sync” of Fieldstone has lost its maker"] * 2


def test_who_takes_over_before_the_mail_goes_out_is_told(mailbox: Mailbox, ada: Person, old_key: MakeKey) -> None:
    key = old_key()
    flag_at(now())
    eve = joined(ada.workspace, "Eve Curie", "owner")
    ada.member.remove(by=eve.actor)
    send_at(now() + DAY)
    assert fates(key, "rotation_due") == {"ada@example.com": "dropped No longer in the workspace."}
    flag_at(now() + DAY)
    send_at(now() + 2 * DAY)
    assert fates(key, "rotation_due")["eve@example.com"] == "sent"


def test_what_a_new_policy_does_not_ask_for_is_not_asked_for(mailbox: Mailbox, ada: Person, old_key: MakeKey) -> None:
    key = old_key()
    assert flag_at(now()) == "rotation due: 1, unused: 1"
    rule(ada, rotation_days=200, unused_days=200)
    ApiKey.update(last_used_at=now() - 95 * DAY).where(ApiKey.id == key.id).execute()
    assert send_at(now() + DAY) == "1 dropped"
    said = {"ada@example.com": "dropped The policy of the workspace was changed meanwhile."}
    assert fates(key, "rotation_due") == said
    assert fates(key, "unused") == said


def test_a_kind_that_a_later_version_promised_keeps_nothing_from_being_sent(
    mailbox: Mailbox, ada: Person, old_key: MakeKey
) -> None:
    key = old_key()
    flag_at(now())
    [known] = Notice.select().where(Notice.kind == "rotation_due")
    Notice.create(**{**known.__data__, "id": "ntc_later", "kind": "from_the_future"})
    assert send_at(now() + DAY) == "1 sent"
    assert fates(key, "rotation_due") == {"ada@example.com": "sent"}
    assert "From the future" in mailbox.arrived[0].text


def test_what_was_told_or_is_planned_stays_as_it_is(mailbox: Mailbox, ada: Person, old_key: MakeKey) -> None:
    key = old_key()
    assert outbox.promise("unused", ada.workspace.id, key.id, key=key) == 1
    assert outbox.promise("unused", ada.workspace.id, key.id, key=key) == 0
    send_at(now() + DAY)
    assert outbox.promise("unused", ada.workspace.id, key.id, key=key) == 0
    assert fates(key, "unused") == {"ada@example.com": "sent"}


def test_security_mail_that_was_dropped_is_not_promised_again(mailbox: Mailbox, ada: Person, old_key: MakeKey) -> None:
    key = old_key()
    outbox.promise("key_leaked", ada.workspace.id, key.id, key=key, facts={"outcome": "told"})
    Notice.update(dropped_at=now(), reason="The key was rotated meanwhile.").execute()
    assert outbox.promise("key_leaked", ada.workspace.id, key.id, key=key, facts={"outcome": "told"}) == 0
