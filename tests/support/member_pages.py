"""How owners and admins fill in the forms about people, and what the invited do with their link."""

import re
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from models import Member
from tests.support import ledger
from tests.support.cast import Person
from tests.support.clients import Browser

LINK = re.compile(r'<output id="secret"[^>]*>(http://localhost/set-password\?token=([\w-]+))</output>')
GRACE = {"name": "Grace Hopper", "email": "grace@example.com", "role": "member", "title": "Rear admiral"}


def add(browser: Browser, person: Person, **changed: str) -> TestResponse:
    return browser.post(person.settings("members/new"), GRACE | changed)


def edit(browser: Browser, person: Person, member: Member, **changed: Any) -> TestResponse:
    form = {"name": member.name, "email": member.email, "role": member.role, "title": member.title} | changed
    return browser.post(person.settings(f"members/{member.id}/edit"), form)


def remove(browser: Browser, person: Person, member: Member) -> TestResponse:
    return browser.post(person.settings(f"members/{member.id}/remove"))


def grace() -> Member:
    return Member.get(Member.email == GRACE["email"])


def token_in(answer: TestResponse) -> str:
    found = LINK.search(answer.text)
    assert found, answer.text
    return ledger.note(found[2], "invitation")


def opened(app: Flask, token: str) -> tuple[Browser, TestResponse]:
    browser = Browser(app)
    return browser, browser.get(f"/set-password?token={token}")


def set_password(browser: Browser, token: str, password: str) -> TestResponse:
    return browser.post("/set-password", {"token": token, "password": password})
