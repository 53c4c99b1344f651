"""The fields of a mail as they stand in its bytes, which is what other programs read: not all of them decode alike."""

import re
from dataclasses import replace
from email import message_from_bytes
from email.header import decode_header, make_header

import pytest

from jobs import send_mail
from models import outbox
from models.database import now
from models.settings import Settings
from tests.support.cast import Person, make_key
from tests.support.keys import aged
from tests.support.mailbox import Mailbox
from tests.support.team import confirmed_team

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FAMILY = "👩‍👩‍👧"


def subject_of(raw: bytes) -> str:
    """As a mail program reads it: lines unfolded, encoded words decoded, once."""
    return str(make_header(decode_header(message_from_bytes(raw)["Subject"])))


def field(raw: bytes, name: str) -> str:
    """A field as it stands there, its lines joined, nothing decoded."""
    head = raw.partition(b"\r\n\r\n")[0].decode()
    found = re.search(rf"^{name}: (.*(?:\r\n[ \t].*)*)", head, re.MULTILINE)
    assert found, head
    return re.sub(r"\r\n(?=[ \t])", "", found[1].rstrip("\r"))


def digest(mailbox: Mailbox, ada: Person, address: str = "") -> bytes:
    """A digest about one key, to a team address if there is one."""
    with outbox.quiet():
        key = aged(make_key(ada, name="CRM sync")[0])
    to = None
    if address:
        team = confirmed_team(ada, address, ["unused"])
        to = [outbox.Recipient(team.id, team.address)]
    outbox.promise("unused", ada.workspace.id, key.id, key=key, to=to)
    outbox.Notice.update(due_at=now()).execute()
    assert send_mail.run() == "1 sent"
    return mailbox.arrived[-1].raw


@pytest.mark.parametrize("host", ["k.example", "keys.internal.a-company-with-a-very-long-name.example.com"])
def test_the_address_that_stops_the_digest_stands_there_as_it_is(
    mailbox: Mailbox, settings: Settings, ada: Person, host: str
) -> None:
    send_mail.use(replace(mailbox.settings(settings), base_url=f"https://{host}"))
    raw = digest(mailbox, ada)
    address = field(raw, "List-Unsubscribe")
    assert re.fullmatch(rf"<https://{re.escape(host)}/unsubscribe/[\w.-]+>", address), address
    assert field(raw, "List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    assert address.strip("<>") in mailbox.arrived[-1].text


@pytest.mark.parametrize(
    "name",
    [
        "שרת שרת שרת שרת מערכת ייצוא לילה דוחות",
        f"🔑 {FAMILY} é b ü 🔑 x {FAMILY} y 🔑 z — ü",
        "Zeitplan für die nächtlichen Läufe der größten Straßenbahn",
        "One =?utf-8?q?a=0D=0ABcc:_eve@evil.example?= two",
        "=?utf-8?b?4oCuZ25w?=",
    ],
)
def test_a_subject_reads_as_it_was_written(mailbox: Mailbox, ada: Person, name: str) -> None:
    with outbox.quiet():
        key, _ = make_key(ada, name=name)
    outbox.promise("key_leaked", ada.workspace.id, key.id, key=key, facts={"name": name, "outcome": "revoked"})
    send_mail.run()
    [mail] = mailbox.arrived
    subject = subject_of(mail.raw)
    shown = subject.partition("“")[2].partition("”")[0]
    assert shown and name.startswith(shown.removesuffix("…")), subject
    assert subject == f"Leaked API key “{shown}” of Fieldstone is revoked"
    head = mail.raw.partition(b"\r\n\r\n")[0]
    assert head.isascii()
    assert max(map(len, head.split(b"\r\n"))) <= 78


def test_a_workspace_cannot_have_its_name_decoded_in_a_subject(mailbox: Mailbox, ada: Person) -> None:
    type(ada.workspace).update(name="=?utf-8?q?=E2=80=AEgnp?= Ltd").execute()
    for number in range(12):
        make_key(ada, name=f"Key {number}")
    send_mail.run()
    assert subject_of(mailbox.arrived[-1].raw) == "12 new API keys of =?utf-8?q?=E2=80=AEgnp?= Ltd"


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("ops@straße.example", "ops@xn--strae-oqa.example"),
        ("ops@bücher.example", "ops@xn--bcher-kva.example"),
        ("=?utf-8?q?bob?=@example.com", "=?utf-8?q?bob?=@example.com"),
        ("=?utf-8?q?a=0d=0ax?=@example.com", "=?utf-8?q?a=0d=0ax?=@example.com"),
        ("o'brien+keys@example.com", "o'brien+keys@example.com"),
    ],
)
def test_mail_goes_to_the_very_address(mailbox: Mailbox, ada: Person, address: str, written: str) -> None:
    raw = digest(mailbox, ada, address)
    assert field(raw, "To") == written
    # aiosmtpd decodes what looks like an encoded word in the envelope itself.
    assert "=?" in address or mailbox.arrived[-1].to == (written,)


def test_the_text_needs_no_more_than_seven_bits_and_short_lines(mailbox: Mailbox, ada: Person) -> None:
    """Not every server takes eight, and signatures of messages break where one is converted on the way."""
    raw = digest(mailbox, ada)
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 200
    assert re.findall(rb"^Content-Transfer-Encoding: (\S+)", raw, re.MULTILINE) == [b"quoted-printable"] * 2
