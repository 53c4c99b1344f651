"""A policy is chosen, a key is put aside and woken, and many are cleaned up, in the browser."""

from datetime import timedelta

from playwright.sync_api import Page, expect

from models import ApiKey, Workspace
from models.database import now
from tests.support.cast import Person, make_key
from tests.support.chromium import Watched, keep
from tests.support.servers import Server
from tests.support.steps import both, status


@both
def test_a_policy_tells_whom_it_affects_before_it_is_saved(
    page: Page, watch: Watched, server: Server, ada: Person, javascript: bool
) -> None:
    watch.expect("422")
    _, text = server.key(ada, name="Endless")
    page.get_by_role("link", name="Policy").click()
    page.get_by_label("Longest life, in days").fill("soon")
    page.get_by_role("button", name="Save policy").click()
    expect(page.get_by_text("Enter a number of days from 1 to 3,650")).to_be_visible()
    page.get_by_label("Longest life, in days").fill("45")
    page.get_by_label("Every key must expire").check()
    page.get_by_role("button", name="Save policy").click()
    expect(page.get_by_text("1 key would not fit.")).to_be_visible()
    keep(page, f"policy-affected-{javascript}")
    page.get_by_role("button", name="Back to editing").click()
    # The page behind the dialog looks the same.
    expect(page.locator("button[name=anyway]")).not_to_be_visible()
    expect(page.get_by_label("Longest life, in days")).to_have_value("45")
    page.get_by_role("button", name="Save policy").click()
    page.locator("button[name=anyway]").click()
    expect(page.get_by_text("The policy is saved.")).to_be_visible()
    with server.models():
        assert Workspace.get_by_id(ada.workspace.id).policy.longest_life_days == 45
    assert status(server, ada, text)[0] == 200
    page.goto(ada.settings("api-keys/new"))
    expect(page.get_by_text("Keys in this workspace live at most 45 days.")).to_be_visible()
    expect(page.get_by_role("radio", name="30 days")).to_be_checked()


@both
def test_unused_keys_are_put_aside_together_undone_and_revoked(
    page: Page, server: Server, ada: Person, javascript: bool
) -> None:
    with server.models():
        made = [make_key(ada, name=f"Idle {number}") for number in range(3)]
        past = now() - timedelta(days=100)
        ApiKey.update(created_at=past).where(ApiKey.id.in_([key.id for key, _ in made])).execute()
    texts = [text for _, text in made]
    page.get_by_role("link", name="API Keys").click()
    page.get_by_role("link", name="Clean up").click()
    unused = page.locator("section#unused")
    expect(unused.get_by_text(", never used.")).to_have_count(3)
    unused.get_by_role("checkbox", name="Select Idle 0").check()
    unused.get_by_role("checkbox", name="Select Idle 1").check()
    unused.get_by_role("button", name="Quarantine…").click()
    expect(page.get_by_role("heading", name="Quarantine 2 keys?")).to_be_visible()
    page.get_by_role("button", name="Quarantine 2 keys").click()
    expect(page.get_by_role("heading", name="2 keys put in quarantine")).to_be_visible()
    assert [status(server, ada, text) for text in texts[:2]] == [(403, "key_quarantined")] * 2
    page.get_by_role("button", name="Wake 2 keys").click()
    expect(page.get_by_role("heading", name="2 keys woken")).to_be_visible()
    assert status(server, ada, texts[0])[0] == 200
    page.get_by_role("link", name="Back to Clean up").click()
    unused.get_by_label("Select all 1").check()
    unused.get_by_role("button", name="Revoke…").click()
    page.get_by_label("Type “revoke 1 key” to confirm").fill("revoke 1 key")
    page.get_by_role("button", name="Revoke 1 key", exact=True).click()
    expect(page.get_by_role("heading", name="1 key revoked")).to_be_visible()
    assert status(server, ada, texts[2]) == (401, "revoked_key")


@both
def test_a_key_is_put_in_quarantine_and_woken_from_its_page(
    page: Page, server: Server, ada: Person, javascript: bool
) -> None:
    key, text = server.key(ada, name="Sleeper")
    page.goto(ada.settings(f"api-keys/{key.id}/quarantine"))
    page.get_by_role("button", name="Put in quarantine").click()
    expect(page.get_by_text("In quarantine since")).to_be_visible()
    keep(page, f"quarantined-{javascript}")
    page.get_by_role("link", name="Wake the key").click()
    page.get_by_role("button", name="Wake key").click()
    expect(page.get_by_text("Sleeper is awake.")).to_be_visible()
    assert status(server, ada, text)[0] == 200
