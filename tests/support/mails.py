"""Every mail that the product can send, each in a workspace of its own, made by the verbs and jobs that send it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from jobs import clean_up, flag_keys, send_mail
from models import ApiKey, Member, Webhook, database, leak, leak_report, outbox, team_confirmation, weekly
from models.actor import Actor
from models.database import now
from models.leak import Place
from models.mail_kinds import CONFIRMATION, KINDS
from models.tenancy import choose_leak_policy
from tests.support.cast import Person, joined, make_key, new_owner
from tests.support.mailbox import Arrived, Mailbox
from tests.support.policies import rule
from tests.support.team import confirmed_team
from tests.support.usage import dead_use, used

DAY = timedelta(days=1)
LONG = "A name of eighty characters, " + "without_any_blank_" * 2 + "to_be_broken_a"
WIDE = "A workspace whose name nobody would choose, except for those who test it"
SCANNING = Actor("system", "GitHub secret scanning")
Make = Callable[..., None]
_MAKERS: dict[str, tuple[str, Make]] = {}


def _mail(name: str, workspace: str = "Fieldstone") -> Callable[[Make], Make]:
    """It is named after its kind, with what is special about it after a colon."""

    def noted(make: Make) -> Make:
        _MAKERS[name] = (workspace, make)
        return make

    return noted


def sent(mailbox: Mailbox) -> dict[str, Arrived]:
    """Name → the mail. All facts are made first, then sent together on the next day."""
    people: dict[str, Person] = {}
    for number, (name, (workspace, make)) in enumerate(_MAKERS.items()):
        people[name] = new_owner(f"Ada{number} Byron", workspace, "business")
        make(people[name])
    flag_keys.run()
    clean_up.run()
    with database.at(now() + DAY):
        said = send_mail.run()
    found = {name: mailbox.to(_address(name, person)) for name, person in people.items()}
    assert all(len(mails) == 1 for mails in found.values()), (said, {name: len(each) for name, each in found.items()})
    return {name: mails[0] for name, mails in found.items()}


def _address(name: str, person: Person) -> str:
    return _team(person) if name.endswith("team") or name == CONFIRMATION else str(person.member.email)


def _team(person: Person) -> str:
    return f"security-{person.workspace.id.lower()}@example.com"


@_mail("webhook_disabled", WIDE)
def _webhook_disabled(ada: Person) -> None:
    url = "https://" + "a-long-name-" * 5 + "x.example.com/hooks?token=1"
    hook, _ = Webhook.add(ada.workspace, url=url, events=["api_key.leaked"], by=ada.actor)
    hook.failing_since = now() - 5 * DAY
    hook.disable(reason="failing")


@_mail(CONFIRMATION, WIDE)
def _confirmation(ada: Person) -> None:
    team_confirmation.add(ada.workspace, _team(ada), ["key_leaked"], by=ada.actor)


def _quietly(person: Person, *, days: int = 0, **settings: Any) -> tuple[ApiKey, str]:
    """A key of which nobody was told, made so many days ago."""
    with outbox.quiet(), database.at(now() - days * DAY):
        return make_key(person, **settings)


def _only_to_team(person: Person) -> None:
    confirmed_team(person, _team(person), KINDS)


@_mail("key_created")
def _created(ada: Person) -> None:
    scopes = {"read:members", "write:members", "read:data", "write:chats"}
    networks = ("203.0.113.0/24", "2001:db8:40::/48")
    make_key(ada, name="CRM sync", scopes=scopes, networks=networks, expires_at=now() + 90 * DAY)


@_mail("key_created:long", WIDE)
def _created_long(ada: Person) -> None:
    make_key(ada, name=LONG, scopes={"admin:workspace"})


@_mail("key_created:team")
def _created_team(ada: Person) -> None:
    _only_to_team(ada)
    make_key(ada, name="CRM sync")


@_mail("key_created:many")
def _created_many(ada: Person) -> None:
    for number in range(30):
        make_key(ada, name=f"Worker {number}")


def _leak(ada: Person, policy: str, name: str, *, rotated: bool = False) -> None:
    key, text = _quietly(ada, name=name)
    [found] = leak.known([text]).values()
    choose_leak_policy(ada.workspace, policy, by=ada.actor)
    if rotated:
        key.rotate(by=ada.actor)
    url = "https://github.com/octo/site/blob/4f0c9d1/" + "deeply/" * 12 + "config.env#L3"
    leak_report.report(found, Place("github", url, "content"), by=SCANNING)


@_mail("key_leaked")
def _leaked(ada: Person) -> None:
    _leak(ada, "revoke", "Nightly report")


@_mail("key_leaked:told", WIDE)
def _leaked_told(ada: Person) -> None:
    _leak(ada, "tell", LONG)


@_mail("key_leaked:dead")
def _leaked_dead(ada: Person) -> None:
    _leak(ada, "revoke", "Nightly report", rotated=True)


@_mail("dead_secret")
def _dead_secret(ada: Person) -> None:
    key, _ = _quietly(ada, name="Nightly report")
    dead_use(key, address="2001:db8:40::17", client="python-requests/2.32 " * 4)


@_mail("dead_secret:rotate", WIDE)
def _dead_secret_rotates(ada: Person) -> None:
    key, _ = _quietly(ada, name=LONG)
    dead_use(key, request="POST /api/v2/key/rotate", address="*", client="*")


@_mail("dead_secret:many")
def _dead_secret_many(ada: Person) -> None:
    key, _ = _quietly(ada, name="Nightly report")
    for number in range(30):
        dead_use(key, address=f"203.0.113.{number}")


@_mail("expiring")
def _expiring(ada: Person) -> None:
    _quietly(ada, name="CRM sync", expires_at=now() + 5 * DAY)


@_mail("expired")
def _expired(ada: Person) -> None:
    _quietly(ada, name="Old report", days=20, expires_at=now() - DAY)


@_mail("unused")
def _unused(ada: Person) -> None:
    rule(ada, rotation_days=3000)
    _quietly(ada, name="Looker trial", days=100)


@_mail("unused:staged")
def _unused_staged(ada: Person) -> None:
    rule(ada, rotation_days=3000, staged_cleanup=True)
    _quietly(ada, name="Looker trial", days=100)


@_mail("quarantined")
def _quarantined(ada: Person, name: str = "Looker trial") -> None:
    rule(ada, rotation_days=3000, staged_cleanup=True)
    key, text = _quietly(ada, name=name, days=150)
    used(text, at=now() - 120 * DAY)
    ApiKey.update(flagged_at=now() - 15 * DAY).where(ApiKey.id == key.id).execute()


@_mail("cleaned_up")
def _cleaned_up(ada: Person, name: str = "Looker trial") -> None:
    rule(ada, rotation_days=3000, staged_cleanup=True)
    key, _ = _quietly(ada, name=name, days=150)
    stages = {"flagged_at": now() - 29 * DAY, "quarantined_at": now() - 15 * DAY}
    ApiKey.update(stages).where(ApiKey.id == key.id).execute()


@_mail("rotation_due")
def _rotation_due(ada: Person) -> None:
    _, text = _quietly(ada, name="CRM sync", days=100)
    used(text)


@_mail("maker_left")
def _maker_left(ada: Person) -> None:
    eve = joined(ada.workspace, f"Eve{ada.member.email.partition('@')[0]} Curie", "admin")
    _quietly(eve, name="CRM sync")
    Member.find(ada.workspace.id, eve.member.id).remove(by=ada.actor)


@_mail("weekly")
def _weekly(ada: Person) -> None:
    monday = weekly.last_monday(now())
    _, text = _quietly(ada, name="CRM sync", days=40)
    for week, times in ((0, 17_204), (7, 15_318)):
        used(text, at=monday + (3 - week) * DAY, times=times)
    used(text, at=monday + 4 * DAY, times=412, status=403)
    key, _ = _quietly(ada, name="Old report", days=30)
    with database.at(monday + DAY), outbox.quiet():
        key.revoke(by=ada.actor)
        dead_use(key)
    _promise_week(ada)


def _promise_week(ada: Person) -> None:
    monday = weekly.last_monday(now())
    facts = weekly.figures(ada.workspace, monday)
    outbox.promise("weekly", ada.workspace.id, ada.workspace.id, weekly.threshold(monday), facts=facts)


@_mail("digest")
def _digest(ada: Person) -> None:
    """Of two workspaces, with most of what can be said in one mail, and more keys than are listed."""
    _expired(ada)
    _maker_left(ada)
    for number in range(28):
        _quietly(ada, name=f"Worker {number}", expires_at=now() + timedelta(days=3, hours=number))
    _quietly(ada, name=LONG, days=100, expires_at=now() + 3 * DAY)
    other = new_owner(f"Olga{ada.workspace.id} Ladyzhenskaya", WIDE, "business")
    Member.update(user=ada.user).where(Member.id == other.member.id).execute()
    _quarantined(other)
    _cleaned_up(other, "Zapier trial")
    _promise_week(other)


@_mail("digest:team")
def _digest_team(ada: Person) -> None:
    _only_to_team(ada)
    _expiring(ada)
