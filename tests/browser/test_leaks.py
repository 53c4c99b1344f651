"""A key was found in public, or a person may be compromised: what an owner does about it, in the browser."""

from playwright.sync_api import Page, expect

from models import Member, leak, leak_report
from models.actor import Actor
from models.leak import Place
from models.tenancy import choose_leak_policy
from tests.support.cast import Person, joined, make_key
from tests.support.servers import Server
from tests.support.steps import both, status


@both
def test_a_key_that_was_told_of_is_revoked_from_its_page(
    page: Page, server: Server, ada: Person, javascript: bool
) -> None:
    key, text = server.key(ada, name="Nightly report")
    with server.models():
        choose_leak_policy(ada.workspace, "tell", by=ada.actor)
        [found] = leak.known([text]).values()
        place = Place("github", "https://github.com/octo/site/blob/1f/app.py", "content")
        leak_report.report(found, place, by=Actor("system", "GitHub secret scanning"))
    assert status(server, ada, text)[0] == 200
    page.goto(ada.settings(f"api-keys/{key.id}"))
    expect(page.get_by_text("Found in public,")).to_be_visible()
    expect(page.get_by_role("link", name="github.com/octo/site/blob/1f/app.py")).to_be_visible()
    page.get_by_role("link", name="Revoke now").click()
    expect(page.get_by_label("Reason")).to_have_value("leaked")
    page.get_by_label("Type “Nightly report” to confirm").fill("Nightly report")
    page.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_text("Revoked by")).to_be_visible()
    expect(page.get_by_role("link", name="Revoke now")).to_have_count(0)
    assert status(server, ada, text) == (401, "revoked_key")


@both
def test_all_keys_of_a_person_are_revoked_while_they_are_removed(
    page: Page, server: Server, ada: Person, javascript: bool
) -> None:
    name = f"Olga-{ada.member.id[-6:]} Ladyzhenskaya"
    with server.models():
        olga = joined(ada.workspace, name, "admin")
        texts = [make_key(olga, name=f"Sync {number}")[1] for number in range(2)]
    page.goto(ada.settings(f"members/{olga.member.id}/remove"))
    page.get_by_role("link", name="Revoke them all and remove").click()
    expect(page.get_by_text("Sync 1")).to_be_visible()
    expect(page.get_by_role("checkbox", name=f"Remove {name}")).to_be_checked()
    page.get_by_label(f"Type “{name}” to confirm").fill(name)
    page.get_by_role("button", name="Revoke all keys").click()
    expect(page.get_by_text("2 keys made by")).to_be_visible()
    assert {status(server, ada, text) for text in texts} == {(401, "revoked_key")}
    with server.models():
        assert Member.get_or_none(Member.id == olga.member.id) is None


@both
def test_an_owner_chooses_to_be_told_only(page: Page, ada: Person, javascript: bool) -> None:
    page.goto(ada.settings("policy"))
    expect(page.get_by_role("radio", name="Revoke it at once")).to_be_checked()
    page.get_by_role("radio", name="Only tell").check()
    page.get_by_role("button", name="Save choice").click()
    expect(page.get_by_text("The choice is saved.")).to_be_visible()
    expect(page.get_by_role("radio", name="Only tell")).to_be_checked()


def test_the_hook_is_copied_and_saved(page: Page) -> None:
    page.goto("/help#leaks")
    page.get_by_role("button", name="Copy hook").click()
    expect(page.get_by_role("button", name="Hook copied")).to_be_visible()
    with page.expect_download() as started:
        page.get_by_role("link", name="pre-commit hook").click()
    assert started.value.suggested_filename.startswith("pre-commit")
    assert started.value.path().read_text().startswith("#!/bin/sh\n")
