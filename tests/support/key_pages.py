"""How a person fills in the forms about keys, and what they read in the answers."""

import html
import re
from collections.abc import Callable
from typing import Any

from werkzeug.test import TestResponse

from models import ApiKey, BrowserSession, User, Workspace
from models.database import now
from models.session import RECENT
from tests.support.cast import Person
from tests.support.clients import Browser

KEY = re.compile(r"gr_[0-9a-hjkmnp-tv-z]{20}")
INLINE = re.compile(r"</?(b|code|mark|strong|time)\b[^>]*>")
TAG = re.compile(r"<[^>]+>")


def found(pattern: str, text: str) -> str:
    """The first group of a pattern that must be there."""
    match = re.search(pattern, text, re.DOTALL)
    assert match, f"no {pattern} in {text}"
    return html.unescape(match[1])


def hidden(answer: TestResponse, name: str) -> str:
    """The value of a hidden field."""
    return found(rf'type="hidden" name="{name}" value="([^"]*)"', answer.text)


def names(answer: TestResponse) -> list[str]:
    """The keys of a list, in its order."""
    return [html.unescape(name) for name in re.findall(r'class="name"[^>]*>([^<]*)<', answer.text)]


def all_hidden(answer: TestResponse) -> dict[str, list[str]]:
    """Every hidden field, as a browser would send it; the CSRF token comes from the browser."""
    fields: dict[str, list[str]] = {}
    for name, text in re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', answer.text):
        if name not in ("csrf_token", "next"):
            fields.setdefault(name, []).append(html.unescape(text))
    return fields


def shown_secret(answer: TestResponse) -> str:
    """The key in clear, as the page shows it."""
    return TAG.sub("", found(r'<output id="secret"[^>]*>(.*?)</output>', answer.text))


def code(answer: TestResponse) -> str:
    """The stable code of a refusal of the API."""
    assert answer.json
    return str(answer.json["code"])


def words(answer: TestResponse) -> str:
    """What people read: no tags, no entities, single blanks."""
    return re.sub(r"\s+", " ", html.unescape(TAG.sub(" ", INLINE.sub("", answer.text))))


def value(answer: TestResponse, name: str) -> str:
    """What a text field holds."""
    tag = re.search(rf'<input[^>]*\sname="{name}"[^>]*>', answer.text)
    assert tag, f"no field {name}"
    return found(r'\svalue="([^"]*)"', tag[0]) if " value=" in tag[0] else ""


def ticked(answer: TestResponse, name: str = "scopes") -> set[str]:
    """The values of the boxes or radios that are chosen."""
    tags = re.findall(rf'<input[^>]*\sname="{name}"[^>]*>', answer.text)
    return {found(r'value="([^"]*)"', tag) for tag in tags if " checked" in tag}


def filled(browser: Browser, person: Person, **fields: Any) -> dict[str, Any]:
    """The form for a new key, opened and filled in."""
    opened = browser.get(person.settings("api-keys/new"))
    assert opened.status_code == 200, opened.text
    start = {"form_id": hidden(opened, "form_id"), "name": "CI", "scopes": ["read:members"], "expires": "90"}
    return start | fields


def create(browser: Browser, person: Person, **fields: Any) -> TestResponse:
    return browser.post(person.settings("api-keys/new"), filled(browser, person, **fields))


def created(browser: Browser, person: Person, **fields: Any) -> ApiKey:
    answer = create(browser, person, **fields)
    assert answer.status_code == 201, answer.text
    return keys_of(person)[-1]


def opened_edit(browser: Browser, key: ApiKey, person: Person, **fields: Any) -> dict[str, Any]:
    """The form of a key as it opens, with some fields changed."""
    page = browser.get(person.settings(f"api-keys/{key.id}/edit"))
    assert page.status_code == 200, page.text
    area = re.search(r"<textarea[^>]*>\r?\n?(.*?)</textarea>", page.text, re.DOTALL)
    shown = {
        "version": hidden(page, "version"),
        "name": value(page, "name"),
        "note": value(page, "note"),
        "scopes": sorted(ticked(page)),
        "expires": next(iter(ticked(page, "expires"))),
        "expires_on": value(page, "expires_on"),
        "starts_at": value(page, "starts_at"),
        "networks": html.unescape(area[1]) if area else "",
    }
    return shown | fields


def edit(browser: Browser, key: ApiKey, person: Person, **fields: Any) -> TestResponse:
    return browser.post(person.settings(f"api-keys/{key.id}/edit"), opened_edit(browser, key, person, **fields))


def fresh(key: ApiKey) -> ApiKey:
    again: ApiKey = ApiKey.get_by_id(key.id)
    return again


def keys_of(person: Person) -> list[ApiKey]:
    """The keys of the person's workspace, oldest first."""
    return list(ApiKey.in_workspace(person.workspace.id).order_by(ApiKey.created_at, ApiKey.id))


def put_on_plan(person: Person, plan: str) -> None:
    Workspace.update(plan_slug=plan).where(Workspace.id == person.workspace.id).execute()


def live_in(person: Person, zone: str) -> None:
    assert person.user
    User.update(time_zone=zone).where(User.id == person.user.id).execute()


def let_password_age(person: Person) -> None:
    """As if the person had given the password longer ago than what is hard to undo allows."""
    assert person.user
    BrowserSession.update(confirmed_at=now() - RECENT).where(BrowserSession.user == person.user).execute()


def let_password_age_after_sign_in(person: Person, browse: Callable[[Person], Browser]) -> None:
    """To sign in is to give the password, so it comes first."""
    browse(person)
    let_password_age(person)
