"""Notifications in a browser, with and without JavaScript, and the page behind the link that stops the daily mail."""

import pytest
from playwright.sync_api import Browser, expect

from models import MailChoice, TeamAddress, User, mail_kinds, team_confirmation, unsubscribe
from tests.support import ledger
from tests.support.axe import Judge
from tests.support.cast import Person
from tests.support.chromium import Watched, sign_in, watched
from tests.support.servers import Server


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
def test_a_person_sets_their_mail_and_a_team_address(watch: Watched, ada: Person, server: Server) -> None:
    watch.expect("422")
    team = f"team-{ada.workspace.id}@example.com"
    page = watch.page()
    sign_in(page, ada)
    page.goto(ada.settings("api-keys"))
    page.get_by_role("link", name="Notifications").click()
    expect(page.get_by_role("heading", name="Notifications", level=1)).to_be_visible()
    page.locator("#mine-unused").uncheck()
    page.get_by_label("Send it at").select_option("06:00")
    page.get_by_role("button", name="Save your mail").click()
    expect(page.get_by_text("Your mail is set.")).to_be_visible()
    expect(page.locator("#mine-unused")).not_to_be_checked()
    page.get_by_text("Add an address").click()
    page.get_by_role("textbox", name="E-mail address").fill(team)
    for box in page.locator("details:has(#new-expired) input[type=checkbox]").all():
        box.uncheck()
    page.get_by_role("button", name="Add address").click()
    expect(page.get_by_text("Choose at least one kind of mail.")).to_be_visible()
    page.locator("#new-expired").check()
    page.get_by_role("button", name="Add address").click()
    expect(page.get_by_text(f"1 of {len(mail_kinds.OFFERED)} kinds of mail")).to_be_visible()
    with server.models():
        assert MailChoice.off_for(ada.member.id) == {"unused"}
        assert User.get_by_id(ada.user.id).digest_hour == 6
        assert [each.address for each in TeamAddress.listed(ada.workspace.id)] == [team]
    expect(page.get_by_text("Waiting for confirmation")).to_be_visible()
    page.get_by_role("button", name=f"Ask again {team}").click()
    expect(page.get_by_text(f"{team} is asked once more.")).to_be_visible()
    page.get_by_text("All get their daily mail at 08:00, UTC").click()
    page.locator("#team-hour").select_option("17:00")
    page.get_by_label("In the time zone").select_option("Europe/Berlin")
    page.get_by_role("button", name="Save the hour").click()
    expect(page.get_by_text("All get their daily mail at 17:00, Europe/Berlin")).to_be_visible()
    page.get_by_role("button", name=f"Remove {team}").click()
    expect(page.get_by_text(f"{team} gets no mail any more.")).to_be_visible()


@pytest.mark.parametrize("javascript", [False])
def test_the_link_of_a_question_asks_and_then_confirms(judge: Judge, server: Server, ada: Person) -> None:
    """Without scripts: it is opened from a mail, by anybody."""
    with server.models():
        team = TeamAddress.add(ada.workspace, "security-team@example.com", ["key_leaked", "expired"], by=ada.actor)
        token = ledger.note(team_confirmation.fresh_token(team.id), "token of a team address")
    judge.open(f"/team-address/{token}")
    judge.page.get_by_role("button", name="Confirm this address").click()
    expect(judge.page.get_by_role("heading", name="The address is confirmed")).to_be_visible()
    judge.look()
    assert judge.found == []
    with server.models():
        assert TeamAddress.get_by_id(team.id).confirmed_at is not None


def test_the_link_of_a_mail_asks_and_then_stops(chromium: Browser, server: Server, ada: Person) -> None:
    token = unsubscribe.token_for(ada.user.id, server.environ["GRAVITY_SECRET_KEY"].split(","))
    with watched(chromium, server.base_url, viewport={"width": 390, "height": 700}) as watch:
        judge = Judge(page := watch.page())
        judge.open(f"/unsubscribe/{ledger.note(token, 'unsubscribe token')}")
        with server.models():
            assert MailChoice.off_for(ada.member.id) == frozenset()
        page.get_by_role("button", name="Stop the daily mail").click()
        expect(page.get_by_role("heading", name="The daily mail is stopped")).to_be_visible()
        judge.look()
        assert judge.found == []
        with server.models():
            assert "unused" in MailChoice.off_for(ada.member.id)
