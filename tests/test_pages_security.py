"""What every page keeps: headers, cookies, our own host names, and errors that tell nothing."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from models import Member, User
from models.database import db
from models.settings import Settings
from tests.support.cast import Person
from tests.support.clients import TOKEN, Browser
from views.frame import POLICY

Browse = Callable[[Person], Browser]


SITE = "https://keys.example.com"


@pytest.mark.parametrize("path", ["/login", "/help", "/nowhere", "/healthz", "/account", "/static/site.css"])
def test_every_answer_carries_the_security_headers(client: FlaskClient, path: str) -> None:
    with client.get(path) as answer:
        headers = answer.headers
    assert headers.getlist("Content-Security-Policy") == [POLICY]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-Request-Id"].startswith("req_")
    assert "unsafe" not in POLICY
    assert "frame-ancestors 'none'" in POLICY
    assert "Access-Control-Allow-Origin" not in headers
    assert path == "/static/site.css" or headers.getlist("Cache-Control") == ["no-store"]


def test_pages_hold_no_inline_script_or_style(ada: Person, browse: Browse) -> None:
    for path in ("/account", "/help", "/login", ada.settings("members"), ada.settings("members/new"), "/nowhere"):
        text = browse(ada).get(path, follow_redirects=True).text
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:|\sdata:", text), path


def test_the_sign_of_life_needs_no_database_and_sets_no_cookie(client: FlaskClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok")
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")


@pytest.mark.parametrize("path", ["/api/v2/key", "/api/v2/openapi.json", "/api/v2/nowhere", "/static/site.css"])
def test_outside_the_pages_no_cookie_is_read_or_set(ada: Person, browse: Browse, path: str) -> None:
    with browse(ada).client.get(path) as answer:
        assert "Set-Cookie" not in answer.headers
        assert "Cookie" not in answer.headers.get("Vary", "")


def started_anew(settings: Settings, **changed: Any) -> Flask:
    """The application with other settings, on the same database."""
    from app import create_app

    db.close()
    return create_app(replace(settings, **changed))


def flags(client: FlaskClient, person: Person, base_url: str) -> dict[str, str]:
    """Each cookie that a sign-in and a theme set, with its flags."""
    assert person.user
    page = client.get("/login", base_url=base_url)
    headers = {"Referer": f"{base_url}/login"}
    found = {}
    token = TOKEN.search(page.text)
    assert token
    form = {"csrf_token": token[1], "email": person.user.email, "password": person.password, "theme": "dark"}
    for path in ("/theme", "/login"):
        answer = client.post(path, data=form, base_url=base_url, headers=headers)
        assert answer.status_code == 303
        for each in answer.headers.getlist("Set-Cookie"):
            name, _, rest = each.partition("=")
            found[name] = rest.partition("; ")[2]
    return found


def test_cookies_over_http(ada: Person, client: FlaskClient) -> None:
    found = flags(client, ada, "http://localhost")
    assert found.keys() == {"gravity", "device", "theme"}
    for each in found.values():
        assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(each.split("; "))
        assert "Domain" not in each


def test_cookies_over_https_are_bound_to_this_host(ada: Person, settings: Settings, connected: str) -> None:
    secure = started_anew(settings, base_url=SITE, trusted_hosts=("keys.example.com",))
    found = flags(secure.test_client(), ada, SITE)
    assert found.keys() == {"__Host-gravity", "__Host-device", "theme"}
    for each in found.values():
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(each.split("; "))
        assert "Domain" not in each
    hsts = secure.test_client().get("/login", base_url=SITE).headers["Strict-Transport-Security"]
    assert hsts == "max-age=63072000; includeSubDomains"


def test_the_cookie_holds_no_more_than_a_token(ada: Person, browse: Browse) -> None:
    kept = browse(ada).client.get_cookie("gravity")
    assert kept and ada.user
    for secret in (ada.user.id, ada.user.email, ada.password):
        assert secret not in kept.decoded_value


def test_a_session_survives_a_change_of_the_signing_key(ada: Person, browse: Browse, settings: Settings) -> None:
    kept = browse(ada).client.get_cookie("gravity")
    assert kept
    fresh = "a new key that is long enough for anybody"
    for keys, status in (((fresh, *settings.secret_keys), 200), ((fresh,), 302)):
        client = started_anew(settings, secret_keys=keys).test_client()
        client.set_cookie("gravity", kept.value)
        assert client.get("/account").status_code == status


# Other hosts, and odd requests


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "localhost@evil.example", ""])
def test_another_host_is_refused(client: FlaskClient, host: str) -> None:
    answer = client.get("/login", headers={"Host": host})
    assert answer.status_code == 400
    assert "evil" not in answer.text


def test_forwarded_hosts_are_not_believed(client: FlaskClient) -> None:
    forged = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example", "X-Host": "evil.example"}
    for path in ("/login", "/help", "/"):
        answer = client.get(path, headers=forged)
        assert answer.status_code in (200, 302)
        assert "evil" not in answer.text + str(answer.headers)


def test_errors_tell_people_what_happened_without_details(ada: Person, browse: Browse, client: FlaskClient) -> None:
    for answer in (browse(ada).get(ada.settings("members/x/edit")), client.get("/nowhere")):
        assert answer.status_code == 404
        assert "Go to the start page" in answer.text
        assert "Traceback" not in answer.text
    assert "Sign out" in browse(ada).get(ada.settings("members/x/edit")).text


def test_whoever_is_lost_keeps_the_menu(ada: Person, mallory: Person, browse: Browse) -> None:
    for address in (ada.settings("nothing"), mallory.settings(), "/nowhere"):
        answer = browse(ada).get(address)
        assert answer.status_code == 404
        assert f'href="{ada.settings()}"' in answer.text, address
        assert f'href="{mallory.settings()}"' not in answer.text


def test_a_failure_inside_is_a_page_and_says_nothing_of_itself(
    ada: Person, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = browse(ada)

    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("the cellar is on fire")

    monkeypatch.setattr(Member, "listed", broken)
    answer = browser.get(ada.settings("members"))
    assert answer.status_code == 500
    assert "cellar" not in answer.text
    assert "Something went wrong" in answer.text


@pytest.mark.parametrize("header", ["HX-Request", "HX-Target", "HX-Current-URL", "User-Agent", "Cookie", "Referer"])
def test_odd_headers_do_no_harm(ada: Person, browse: Browse, header: str) -> None:
    for value in ("ÿþ", "x" * 5000, "<script>", "gravity=x; gravity=y; device=%00", "http://["):
        answer = browse(ada).client.get(ada.settings("members"), headers={header: value})
        assert answer.status_code in (200, 302, 401)
    assert User.select().count() == 1


def test_a_signed_in_person_stays_in_the_frame_at_an_address_that_leads_nowhere(
    ada: Person, browse: Callable[[Person], Browser], client: FlaskClient
) -> None:
    inside = browse(ada).get("/nowhere")
    assert inside.status_code == 404 and "Sign out" in inside.text
    outside = client.get("/nowhere")
    assert outside.status_code == 404 and "Sign out" not in outside.text
