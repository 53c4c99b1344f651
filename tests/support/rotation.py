"""Rotating a key on its pages, as a person does it, and over the API, as the key itself does it."""

from typing import Any

from werkzeug.test import TestResponse

from models import ApiKey
from tests.support.cast import Person
from tests.support.clients import Browser
from tests.support.key_pages import all_hidden

# What can be done while an overlap lasts.
ACTS = ("finish-rotation", "extend-rotation", "undo-rotation")
KEY, ROTATE = "/api/v2/key", "/api/v2/key/rotate"
# What an answer may tell of an end that is near.
WARNINGS = ("Sunset", "Deprecation", "Link")


def told(answer: TestResponse) -> list[str]:
    return [name for name in WARNINGS if name in answer.headers]


def page_of(key: ApiKey, person: Person, verb: str = "") -> str:
    return person.settings(f"api-keys/{key.id}/{verb}".rstrip("/"))


def rotate(browser: Browser, key: ApiKey, person: Person, overlap: str = "24h") -> TestResponse:
    path = page_of(key, person, "rotate")
    return browser.post(path, {**all_hidden(browser.get(path)), "overlap": overlap})


def act(browser: Browser, key: ApiKey, person: Person, verb: str, **more: Any) -> TestResponse:
    path = page_of(key, person, verb)
    return browser.post(path, {**all_hidden(browser.get(path)), **more})


def hint(text: str) -> str:
    return f"gr_{text[3:7]}…{text[-2:]}"
