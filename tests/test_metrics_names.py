"""The names in `/metrics`: nobody is among the labels, the documents know all of them, and there is room for them."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.mmap_dict import mmap_key

from models import metric_files, metrics
from tests.support.artifacts import ROOT
from tests.support.cast import Person
from tests.support.clients import ApiClient, Browser
from tests.support.scrapes import scrape

Call = Callable[..., ApiClient]
Browse = Callable[[Person], Browser]


def test_no_label_names_anybody(
    ada: Person, olga: Person, browse: Browse, call: Call, client: FlaskClient, make_key: Any
) -> None:
    key, secret = make_key(ada, name="Nightly export", scopes={"read:members", "admin:workspace"})
    for path in (
        "members",
        "api-keys",
        f"api-keys/{key.id}",
        f"api-keys/{key.id}/edit",
        f"members/{olga.member.id}/edit",
    ):
        browse(ada).get(ada.settings(path))
    browse(ada).get("/login?next=/w/somebody@example.com")
    call(secret).get(ada.api("members"))
    call(secret).get(ada.api(f"api-keys/{key.id}"))
    call(secret).get("/api/v2/w/ws_of_somebody/members", address="198.51.100.77")
    call(secret).get(f"/{secret}")
    call(secret).open("SOMEBODY", "/help")
    key.revoke(by=ada.actor)
    call(secret).get("/api/v2/key")
    text = scrape(client).text
    words = [key.id, key.name, ada.workspace.id, ada.workspace.name]
    for person in (ada, olga):
        assert person.user
        words += [person.user.id, person.user.email, person.member.id, *person.member.name.split()]
    words += ["ws_", "gr_", "@", "somebody", "SOMEBODY", "198.51.100", "192.0.2", "Nightly"]
    assert not [word for word in words if word in text]


def test_labels_hold_nothing_that_a_client_chose(app: Flask, client: FlaskClient) -> None:
    for path in ("/a", "/b?c=d", "/api/v2/e", "/w/f/settings/g", "/static/../h", "/%00"):
        for method in ("GET", "POST", "TRACE", "QUERY"):
            client.open(path, method=method, headers={"User-Agent": "i", "X-Request-Id": "j"})
    found = scrape(client)
    assert found.labels("route") <= {rule.rule for rule in app.url_map.iter_rules()} | {"unmatched"}
    assert found.labels("status") <= {"1xx", "2xx", "3xx", "4xx", "5xx"}
    names = {name for sample in found.samples() for name in sample.labels}
    assert names <= {
        "route",
        "method",
        "status",
        "le",
        "code",
        "limit",
        "job",
        "outcome",
        "process",
        "lane",
        "reporter",
    }


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_room_that_is_reserved_suffices_for_every_route(app: Flask) -> None:
    """With all its methods, and every class of answer."""

    def size(metric: Any, suffix: str, names: list[str], labels: list[str]) -> int:
        return len(mmap_key(metric._name, metric._name + suffix, names, labels, metric._documentation)) + 32

    needed = 0
    pairs = {(rule.rule, method) for rule in app.url_map.iter_rules() for method in (rule.methods or set())}
    for pair in [*pairs, *(("unmatched", method) for method in (*metrics.METHODS, "other"))]:
        series = 4 * (len(metrics.SECONDS) + 2)
        labels = [*pair, "2xx", "0.0025"]
        needed += series * size(metrics.REQUESTS, "_bucket", ["route", "method", "status", "le"], labels)
    assert needed < metric_files.ROOM["histogram"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_rules_in_the_documents_ask_for_what_is_there(client: FlaskClient) -> None:
    written = (ROOT / "docs" / "operations.md").read_text()
    (rules,) = re.findall(r"```yaml\n(groups:.*?)```", written, re.DOTALL)
    families = scrape(client).families.values()
    there = {name for family in families for name in (family.name, f"{family.name}_total", f"{family.name}_bucket")}
    there |= {sample.name for family in families for sample in family.samples}
    asked = set(re.findall(r"\bgravity_\w+", rules))
    assert len(asked) > 5
    assert not asked - there
    # And the table of the same page has them all.
    assert not [family.name for family in families if family.name not in written]
