"""The OpenAPI document: every operation of the API, what it needs, and every answer it may give."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

DOCUMENT = "/api/v2/openapi.json"


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    answer = client.get(DOCUMENT)
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    found: dict[str, Any] = answer.get_json()
    return found


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for path in document["paths"].values() for each in path.values()]


def test_it_lists_the_routes_of_the_api_and_nothing_else(app: Flask, document: dict[str, Any]) -> None:
    rules = {
        re.sub(r"<(\w+)>", r"{\1}", rule.rule) for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")
    }
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == rules - {DOCUMENT}


def test_each_operation_says_what_it_does_and_needs(document: dict[str, Any]) -> None:
    for each in operations(document):
        assert each["summary"] and each["operationId"] and each["tags"]
        assert "Needs" in each["description"] and each["security"] == [{"apiKey": []}]
    members = document["paths"]["/api/v2/w/{workspace_id}/members"]
    assert "`read:members`" in members["get"]["description"]
    assert "`write:members`" in members["post"]["description"]


def test_each_refusal_is_described_as_a_problem_document(document: dict[str, Any]) -> None:
    for each in operations(document):
        assert each["responses"].keys() >= {"400", "401", "403", "500", "503"}
        for status, answer in each["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"]
    gone = document["paths"]["/api/v2/w/{workspace_id}/members/{member_id}"]["delete"]["responses"]["204"]
    assert "content" not in gone


def test_every_reference_leads_somewhere(client: FlaskClient, document: dict[str, Any]) -> None:
    names = set(re.findall(r"#/components/schemas/([\w.-]+)", client.get(DOCUMENT).text))
    assert names and names <= document["components"]["schemas"].keys()
