"""Mail servers that answer strangely: what is taken for an answer, and what for none."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from jobs import mail_smtp, send_mail
from models import Mail, database
from models.database import now
from models.mail_settings import Smtp
from models.settings import Settings
from tests.support.cast import Person, make_key
from tests.support.mailbox import SENDER
from tests.support.smtp_script import Script, served
from tests.support.team import confirmed_team

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LOGIN = {"user": "u", "password": "hunter2"}
Serve = Callable[..., Script]


@pytest.fixture
def serve(app: object, settings: Settings, ada: Person) -> Iterator[Serve]:
    """serve({"RCPT": "450 …"}, user="…"): the server that mail goes to from now on."""
    script = Script()
    with served(script.talk) as port:

        def begun(answers: dict[str, str], **more: str) -> Script:
            script.answers = answers
            smtp = Smtp("127.0.0.1", port, **{"tls": "none", "timeout": 2.0, **more})  # type: ignore[arg-type]
            send_mail.use(replace(settings, smtp=smtp, mail_from=SENDER))
            return script

        yield begun
    send_mail.use(settings)


def run_later() -> str:
    send_mail._state.quiet_until = 0.0
    with database.at(now() + timedelta(hours=1)):
        return send_mail.run()


def only() -> Mail:
    [mail] = Mail.select()
    return mail


@pytest.mark.parametrize("answer", ["Thank you", "354 Go on", "100 Hm", "!", "25x OK"])
def test_what_is_no_answer_to_a_text_leaves_it_in_doubt(serve: Serve, ada: Person, answer: str) -> None:
    """It may have arrived, so no other words may follow."""
    script = serve({".": answer})
    key, _ = make_key(ada, name="Before")
    assert send_mail.run() == "1 unanswered"
    key.change({"name": "After"}, disabled=None, by=ada.actor)
    script.answers = {}
    assert run_later() == "1 sent"
    assert script.texts[0] == script.texts[1]


@pytest.mark.parametrize("answer", ["250 Taken!", "250-Taken\n250-by\n250 us", "251 Will forward"])
def test_what_is_taken_is_sent_whatever_follows(serve: Serve, ada: Person, answer: str) -> None:
    script = serve({".": answer})
    for number in range(2):
        make_key(ada, name=f"Key {number}")
    assert send_mail.run() == "2 sent"
    assert len(script.texts) == 2
    assert run_later() == ""


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"RCPT": "450-4.2.1 Busy\n450 Come again"}, "450 4.2.1 Busy Come again"),
        ({"RCPT": "421 Bye!"}, "421 Bye"),
        ({"RCPT": "Hello"}, "What it answers is no SMTP."),
        ({"RCPT": "250 " + "x" * 9_000}, "500 Line too long."),
        ({"MAIL": "550 5.7.1 We do not relay"}, "550 5.7.1 We do not relay"),
        ({"DATA": "452 4.3.1 Full"}, "452 4.3.1 Full"),
        ({"DATA": "250 What?"}, "250 What?"),
        ({".": "451-4.7.1 Greylisted\n451 for a minute"}, "451 4.7.1 Greylisted for a minute"),
    ],
)
def test_what_is_refused_for_now_waits(serve: Serve, ada: Person, answers: dict[str, str], said: str) -> None:
    script = serve(answers)
    make_key(ada)
    assert send_mail.run() == "1 refused"
    assert (only().status, only().error, only().in_doubt) == ("failed", said, False)
    script.answers = {}
    assert run_later() == "1 sent"


@pytest.mark.parametrize(
    ("answers", "more", "said"),
    [
        ({"EHLO": "250-x\n250 STARTTLS", "STARTTLS": "454 4.7.0 Not now"}, {"tls": "starttls"}, "454 4.7.0 Not now"),
        ({}, {"tls": "starttls"}, "STARTTLS extension not supported"),
        ({"EHLO": "250-x\n250 AUTH PLAIN", "AUTH": "535 No: hunter2"}, LOGIN, "535, the sign-in was refused."),
        ({}, LOGIN, "AUTH extension not supported"),
        ({"EHLO": "500 What?", "HELO": "550 Go away"}, {}, "550 Go away"),
    ],
)
def test_who_cannot_be_talked_to_is_waited_for(
    serve: Serve, ada: Person, answers: dict[str, str], more: dict[str, str], said: str
) -> None:
    script = serve(answers, **more)
    make_key(ada)
    assert send_mail.run() == "1 waiting"
    assert (only().status, only().attempts) == ("failed", 0)
    assert said in only().error
    assert "hunter2" not in only().error
    assert not any(line.upper().startswith("MAIL") for line in script.heard), "nothing went out in clear"


def test_a_connection_is_used_for_some_messages_and_then_made_anew(
    serve: Serve, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_smtp, "MESSAGES_A_CONNECTION", 2)
    script = serve({})
    for _ in range(5):
        make_key(ada)
    assert send_mail.run() == "5 sent"
    assert sum(line.upper().startswith("EHLO") for line in script.heard) == 3


def test_a_server_that_knows_no_extensions_will_do(serve: Serve, ada: Person) -> None:
    script = serve({"EHLO": "502 What?"})
    make_key(ada)
    assert send_mail.run() == "1 sent"
    assert script.texts[0].isascii()


@pytest.mark.parametrize("knows", [True, False])
def test_an_address_in_another_script_needs_a_server_that_can_write_it(serve: Serve, ada: Person, knows: bool) -> None:
    script = serve({"EHLO": "250-x\n250-8BITMIME\n250 SMTPUTF8"} if knows else {})
    confirmed_team(ada, "grüße@straße.example", ["key_created"])
    make_key(ada)
    if knows:
        assert send_mail.run() == "2 sent"
        assert "rcpt TO:<grüße@xn--strae-oqa.example>" in script.heard
        assert any("\r\nTo: grüße@xn--strae-oqa.example\r\n".encode() in text for text in script.texts)
        return
    assert send_mail.run() == "1 dead, 1 sent"
    [dead] = Mail.select().where(Mail.status == "dead")
    assert dead.error == "The mail server cannot write to this address: it lacks SMTPUTF8."
