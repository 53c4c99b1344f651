"""How a person goes through the Clean-up page."""

import html
import re
from datetime import timedelta
from typing import Any

from models import ApiKey
from models.database import now
from tests.support.cast import Person
from tests.support.clients import Browser
from tests.support.key_pages import all_hidden

DAY = timedelta(days=1)


def aged(key: ApiKey, days: int = 120) -> ApiKey:
    ApiKey.update(last_used_at=now() - days * DAY).where(ApiKey.id == key.id).execute()
    return key


def page(browser: Browser, person: Person) -> Any:
    return browser.get(person.settings("api-keys/cleanup"))


def section(answer: Any, name: str) -> str:
    """What people read of one section."""
    found = re.search(rf'<section class="card" id="{name}".*?</section>', answer.text, re.DOTALL)
    assert found
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", found[0])).split())


def asked(browser: Browser, person: Person, name: str, action: str, *keys: ApiKey, **more: str) -> Any:
    form = {"section": name, "action": action, "key": [key.id for key in keys]} | more
    return browser.post(person.settings("api-keys/cleanup/confirm"), form)


def acted(browser: Browser, person: Person, question: Any, **more: str) -> Any:
    assert question.status_code == 200, question.text
    return browser.post(person.settings("api-keys/cleanup/act"), all_hidden(question) | more)
