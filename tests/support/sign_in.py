"""How people sign in, and fail to."""

from typing import Any

from werkzeug.test import TestResponse

from tests.support.cast import Person
from tests.support.clients import Browser


def try_password(browser: Browser, email: str, password: str, **more: Any) -> TestResponse:
    browser.get("/login")
    return browser.post("/login", {"email": email, "password": password, **more})


def email_of(person: Person) -> str:
    return person.member.email
