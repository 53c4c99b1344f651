"""A workspace in which everything can be seen."""

from dataclasses import dataclass
from datetime import timedelta

from models import (
    ApiKey,
    Mail,
    Member,
    Notice,
    TeamAddress,
    Webhook,
    database,
    leak,
    leak_report,
    outbox,
    team_confirmation,
    unsubscribe,
    webhook_delivery,
)
from models.actor import SYSTEM, Actor
from models.database import now
from models.leak import Place
from models.mail_kinds import KINDS
from models.tenancy import choose_leak_policy
from tests.support import ledger
from tests.support.cast import Person, joined, make_key
from tests.support.servers import Server
from tests.support.usage import dead_use, used


@dataclass(frozen=True)
class World:
    """A workspace with a key in every state, and people in every role."""

    ada: Person
    keys: dict[str, ApiKey]
    people: dict[str, Member]
    token: str
    unsubscribe: str
    team: str
    hook: Webhook


def keys_in_every_state(ada: Person) -> dict[str, ApiKey]:
    past, soon = now() - timedelta(days=100), now() + timedelta(days=5)
    with database.at(past):
        expired, _ = make_key(ada, name="Expired", expires_at=past + timedelta(days=30))
        unused, _ = make_key(ada, name="Unused")
    made = {state: make_key(ada, name=state.title()) for state in ("active", "disabled", "revoked")}
    made["full"] = make_key(
        ada,
        name="A name of eighty characters, " + "without_any_blank_" * 2 + "to_be_broken_a",
        note="1Password",
        scopes={"read:members", "write:members", "read:data", "write:chats", "admin:workspace"},
        networks=("203.0.113.0/24", "2001:db8:40::/48"),
        starts_at=soon,
        expires_at=soon + timedelta(days=1),
    )
    made["rotating"] = make_key(ada, name="Rotating", expires_at=soon)
    made["expiring"] = make_key(ada, name="Expiring", expires_at=soon)
    keys = {state: key for state, (key, _) in made.items()} | {"expired": expired, "unused": unused}
    used(made["active"][1], address="2001:db8::1", client="curl/8.1 " * 20)
    for policy in ("tell", "revoke"):
        choose_leak_policy(ada.workspace, policy, by=ada.actor)
        keys[policy], text = make_key(ada, name=f"In public, {policy}")
        report(text)
    keys["rotating"].rotate(by=ada.actor, overlap="24h")
    for number in range(4):
        used(made["rotating"][1], times=14, address=f"2001:db8::{number}", client="python-requests/2.32.5 " * 4)
    keys["busy"] = busy_key(ada)
    keys |= put_aside(ada)
    keys["called"] = called_key(ada)
    keys["disabled"].disable(by=ada.actor)
    keys["revoked"].revoke(by=ada.actor, reason="leaked", note="Seen in a chat")
    for number in range(20):
        make_key(ada, name=f"Filler {number}")
    return keys


def report(text: str) -> None:
    """As GitHub would."""
    [found] = leak.known([text]).values()
    for url in ("https://github.com/octo/" + "a-long-name-" * 9, "https://gist.github.com/octo/1f8v5c3x7s2n9k4j"):
        by = Actor("system", "GitHub secret scanning")
        leak_report.report(found, Place("github", url, "gist_content"), by=by)


def busy_key(ada: Person, name: str = "Busy") -> ApiKey:
    """Two months old, in use, with a scope that it never used, from more than one place."""
    with database.at(now() - timedelta(days=60)):
        key, text = make_key(ada, name=name, scopes={"read:members", "write:members", "read:data"})
        used(text, address="203.0.113.9")
    used(text, times=1_200)
    used(text, times=40, address="198.51.100.9", at=now() - timedelta(days=3), client="python-httpx/0.28")
    used(text, times=9, scope="read:data", request="GET /api/v2/w/<workspace_id>/data", address="2001:db8:7::1")
    return key


def put_aside(ada: Person) -> dict[str, ApiKey]:
    """In quarantine, and spared from it."""
    with database.at(now() - timedelta(days=150)):
        keys = {name: make_key(ada, name=name.title())[0] for name in ("asleep", "kept")}
    keys["asleep"].quarantine(by=SYSTEM)
    keys["kept"].exempt("The night watch needs it once a year, and nobody wants to look for it then.", by=ada.actor)
    return keys


def called_key(ada: Person) -> ApiKey:
    """With secrets that ended and are in use all the same."""
    key, _ = make_key(ada, name="Called")
    dead_use(key, address="2001:db8:40::17", client="python-requests/2.32.5 " * 4)
    dead_use(key, address="*", client="*", request="POST /api/v2/key/rotate")
    return key


def dead_letter(ada: Person) -> str:
    """To an address of the team that is not there any more. Returns the token with which it would be confirmed."""
    kinds, address = list(KINDS), f"the-whole-team-{ada.workspace.id}@mail.example.com"
    team = TeamAddress.add(ada.workspace, address, kinds, by=ada.actor)
    outbox.promise("weekly", ada.workspace.id, "world", "2026-W01", facts={})
    parts = {"lane": "digest", "kind": "digest", "recipient": "world", "address": address, "due_at": now()}
    mail = Mail.begin(f"world:{ada.workspace.id}", **parts)
    assert mail
    Notice.update(mail=mail.id).where(Notice.workspace == ada.workspace.id, Notice.subject == "world").execute()
    mail.bury("550 5.1.1 No such user here, and there never was one, says a server with a lot to say about it.")
    return ledger.note(team_confirmation.fresh_token(team.id), "token of a team address")


def people(ada: Person) -> dict[str, Member]:
    serial = ada.member.email.partition("@")[0]
    found = {
        role: joined(ada.workspace, f"{role}-of-{serial} Long Family Name", role)
        for role in ("admin", "member", "contact")
    }
    for number in range(3):
        make_key(found["admin"], name=f"Of the admin {number}")
    return {role: person.member for role, person in found.items()}


def invitation(ada: Person) -> str:
    invited = Member.add(
        ada.workspace, name="Eve Curie", email=f"eve-{ada.workspace.id}@example.com", role="member", by=ada.actor
    )
    return ledger.note(invited.invite(by=ada.actor), "invitation")


def hook(ada: Person) -> Webhook:
    """Told of a test that will never arrive, since nobody has this name."""
    url = "https://" + "a-long-name-" * 5 + "x.example.invalid/hooks"
    made, secret = Webhook.add(ada.workspace, url=url, events=["member.removed"], description="Audit", by=ada.actor)
    ledger.note(secret.reveal(), "signing secret of a webhook")
    for _ in range(3):
        webhook_delivery.test(made)
    return made


def build(server: Server) -> World:
    ada = server.owner("Fieldstone", "business")
    with server.models():
        keys, members = keys_in_every_state(ada), people(ada)
        asked = dead_letter(ada)
        stop = unsubscribe.token_for(ada.user.id, (server.environ["GRAVITY_SECRET_KEY"],))
        ledger.note(stop, "unsubscribe token")
        return World(ada, keys, members, invitation(ada), stop, asked, hook(ada))
