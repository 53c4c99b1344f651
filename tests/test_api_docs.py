"""The reference page: all of the OpenAPI document for people, without a script, a key or a cookie."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from models import secret
from tests.support.cast import Person
from tests.support.clients import Browser
from views.api.docs import kind, marked
from views.frame import POLICY

REFERENCE = "/api/v2/docs"


@pytest.fixture
def shown(client: FlaskClient) -> str:
    answer = client.get(REFERENCE)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    return answer.text


def test_it_has_the_headers_of_a_page(client: FlaskClient) -> None:
    headers = client.get(REFERENCE).headers
    assert headers.getlist("Content-Security-Policy") == [POLICY]
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers.getlist("Cache-Control") == ["no-store"]


def test_it_sets_no_cookie_and_looks_the_same_to_everyone(
    client: FlaskClient, ada: Person, browse: Callable[[Person], Browser]
) -> None:
    inside, outside = browse(ada).client.get(REFERENCE), client.get(REFERENCE)
    assert inside.text == outside.text
    assert "Set-Cookie" not in inside.headers and "Set-Cookie" not in outside.headers


@pytest.mark.parametrize(
    ("chosen", "told"), [("dark", ' data-theme="dark"'), ("light", ' data-theme="light"'), ("x", "")]
)
def test_it_follows_the_theme(client: FlaskClient, chosen: str, told: str) -> None:
    client.set_cookie("theme", chosen)
    assert f'<html lang="en"{told}>' in client.get(REFERENCE).text


def test_each_operation_has_its_anchor_and_its_place_in_the_menu(client: FlaskClient, shown: str) -> None:
    paths = client.get("/api/v2/openapi.json").get_json()["paths"]
    for path, known in paths.items():
        for each in known.values():
            assert f'id="{each["operationId"]}"' in shown and f'href="#{each["operationId"]}"' in shown
            assert each["summary"] in shown and f">{path}</code>" in shown
    ids = re.findall(r'\sid="([^"]+)"', shown)
    assert len(ids) == len(set(ids))


def test_each_link_within_the_page_leads_somewhere(shown: str) -> None:
    targets = set(re.findall(r'href="#([^"]+)"', shown))
    assert targets <= set(re.findall(r'\sid="([^"]+)"', shown))


def test_curl_lines_can_be_pasted(shown: str) -> None:
    commands = [re.sub("<[^>]+>", "", text) for text in re.findall(r'<pre id="\w+-curl"[^>]*>(.*?)</pre>', shown, re.S)]
    assert commands
    for command in commands:
        words = shlex.split(command.replace("&#34;", '"').replace("&#39;", "'"))
        assert words[0] == "curl" and "{" not in next(word for word in words if word.startswith("http"))


def test_it_holds_no_inline_script_or_style_and_no_key(shown: str) -> None:
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:|\sdata:", shown)
    assert not secret.FORM.search(shown)


def test_no_field_could_be_sent_as_an_address(shown: str) -> None:
    """A form without JavaScript would put its named fields into the address, the key among them."""
    assert "<input" in shown
    assert not re.search(r"<(?:input|textarea|select)[^>]*\sname=", shown)


def test_the_script_of_the_page_stores_nothing() -> None:
    text = (Path(__file__).parent.parent / "static" / "api-docs.js").read_text()
    assert not re.search(
        r"localStorage|sessionStorage|indexedDB|document\.cookie|pushState|replaceState|innerHTML", text
    )


def test_the_help_page_and_the_empty_list_lead_to_it(
    client: FlaskClient, ada: Person, browse: Callable[[Person], Browser]
) -> None:
    assert f'href="{REFERENCE}"' in client.get("/help").text
    page = browse(ada).get(ada.settings()).text
    assert "Read the API reference" in page
    assert re.search(rf'href="{REFERENCE}"[^>]*>(?:<svg.*?</svg>)?API reference', page)


def test_text_is_text() -> None:
    assert marked("`a<b>` & c") == "<code>a&lt;b&gt;</code> &amp; c"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 100}, "integer, 1 to 100"),
        ({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}, "date-time or null"),
        ({"type": "array", "items": {"type": "string"}}, "array of string"),
        ({"enum": ["a", "b"], "type": "string"}, "a | b"),
    ],
)
def test_types_are_told_in_few_words(schema: dict[str, object], words: str) -> None:
    assert kind(schema) == words
