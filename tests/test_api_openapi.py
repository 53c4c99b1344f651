"""The OpenAPI document: every operation of the API, what it needs, and every answer it may give."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate
from werkzeug.test import TestResponse

from tests.support.cast import Person
from tests.support.clients import ApiClient
from views import help
from views.api import examples
from views.api.operations import DECLARED

DOCUMENT, REFERENCE = "/api/v2/openapi.json", "/api/v2/docs"
MEMBERS = "/api/v2/w/{workspace_id}/members"
Document = dict[str, Any]


@pytest.fixture
def document(client: FlaskClient) -> Document:
    answer = client.get(DOCUMENT)
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    found: Document = answer.get_json()
    return found


def operations(document: Document) -> list[tuple[str, str, Document]]:
    return [(path, method, each) for path, known in document["paths"].items() for method, each in known.items()]


def at(document: Document, reference: str) -> Any:
    found: Any = document
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


def parameters(document: Document, each: Document) -> dict[str, Document]:
    known = [at(document, given["$ref"]) if "$ref" in given else given for given in each["parameters"]]
    return {given["name"]: given for given in known}


def with_key(document: Document) -> list[tuple[str, str, Document]]:
    return [found for found in operations(document) if found[2]["security"]]


def test_it_is_valid_openapi_3_1(document: Document) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_it_tells_a_stranger_where_to_begin(document: Document) -> None:
    info = document["info"]
    assert info["version"] == "2" and "Authorization: Bearer gr_" in info["description"]
    assert info["license"] == {"name": "MIT", "identifier": "MIT"}
    assert document["servers"] == [{"url": "http://localhost"}]
    assert document["externalDocs"]["url"] == "http://localhost/help"
    assert document["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"


def test_it_lists_the_routes_of_the_api_and_nothing_else(app: Flask, document: Document) -> None:
    rules = {
        re.sub(r"<(\w+)>", r"{\1}", rule.rule) for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")
    }
    assert set(document["paths"]) == rules - {DOCUMENT, REFERENCE}


def test_each_operation_says_what_it_does_and_needs(app: Flask, document: Document) -> None:
    for _, _, each in operations(document):
        assert each["summary"] and not each["summary"].endswith(".") and each["tags"]
        needed = getattr(app.view_functions[f"api.{each['operationId']}"], "needs")  # noqa: B009 set by `needs`
        assert each["security"] == ([] if needed is None else [{"apiKey": []}])
        assert each.get("x-required-scope", "none") == ("none" if needed is None else needed or None)
        assert (f"`{needed}`" if needed else "Needs") in each["description"]
    assert document["paths"][MEMBERS]["post"]["x-required-scope"] == "write:members"
    ids = [each["operationId"] for _, _, each in operations(document)]
    assert len(ids) == len(set(ids))


def test_every_error_is_a_problem_document_with_an_example_of_each_code(document: Document) -> None:
    for _, _, each in operations(document):
        for status, answer in each["responses"].items():
            if status < "4":
                continue
            assert list(answer["content"]) == ["application/problem+json"]
            given = answer["content"]["application/problem+json"]["examples"]
            assert given, f"{each['operationId']} {status}"
            for code, reference in given.items():
                value = at(document, reference["$ref"])["value"]
                assert (str(value["status"]), value["code"]) == (status, code)
                assert f"`{code}`" in answer["description"]


def test_every_status_that_can_happen_is_there(document: Document) -> None:
    for path, method, each in with_key(document):
        found = set(each["responses"])
        assert found >= {"400", "401", "403", "429", "431", "500", "503"}
        assert ("404" in found) or "{" not in path
        assert found >= ({"411", "413", "415", "422"} if "requestBody" in each else set())
        assert found >= ({"400", "409", "413"} if method == "post" else set())
        assert found >= ({"411"} if method != "get" else set())
    gone = document["paths"][f"{MEMBERS}/{{member_id}}"]["delete"]["responses"]
    assert "content" not in gone["204"] and "412" in gone


def test_a_body_whose_fields_all_have_defaults_may_be_left_out(document: Document) -> None:
    optional = {
        each["operationId"]
        for _, _, each in operations(document)
        if not each.get("requestBody", {}).get("required", True)
    }
    assert "revoke_api_key" in optional and not optional & {"create_member", "change_member", "change_record"}


def test_bodies_that_nobody_asked_for_are_refused_as_it_says(
    document: Document, ada: Person, call: Callable[..., ApiClient], make_key: Callable[..., Any]
) -> None:
    _, text = make_key(ada, scopes={"admin:workspace"})
    path = "/api/v2/w/{workspace_id}/workflows/{workflow_id}/runs"
    known = document["paths"][path]["post"]["responses"]
    for sent, headers, status in (
        ("{}", {"Transfer-Encoding": "chunked"}, 411),
        ("x" * (1024 * 1024 + 1), {"Idempotency-Key": "once"}, 413),
    ):
        answer = call(text).post(ada.api("workflows/wfl_none/runs"), data=sent, headers=headers)
        assert answer.status_code == status and str(status) in known


def test_codes_come_only_where_they_can(document: Document) -> None:
    def codes(path: str, method: str, status: str) -> set[str]:
        answer = document["paths"][path][method]["responses"][status]
        return set(answer["content"]["application/problem+json"]["examples"])

    assert codes(MEMBERS, "get", "403") == {"insufficient_scope", "ip_not_allowed", "key_quarantined"}
    assert codes(MEMBERS, "post", "403") == {"insufficient_scope", "ip_not_allowed", "key_quarantined", "not_allowed"}
    assert codes("/api/v2/key", "get", "403") == {"ip_not_allowed", "key_quarantined"}
    assert codes("/api/v2/key", "patch", "403") == {"ip_not_allowed", "key_quarantined", "not_allowed", "plan_limit"}
    assert codes("/api/v2/key", "get", "429") == {"rate_limited", "quota_exceeded"}
    assert codes(MEMBERS, "post", "401") == {each.code for each in help.PROBLEMS if each.status == 401}


def test_header_fields_are_told_where_they_come(document: Document) -> None:
    for _, method, each in with_key(document):
        answers = {status: set(answer["headers"]) for status, answer in each["responses"].items()}
        assert all("X-Request-Id" in names for names in answers.values())
        success = next(status for status in answers if status < "4")
        assert answers[success] >= {"RateLimit", "RateLimit-Policy", "Sunset"}
        assert "WWW-Authenticate" in answers["401"]
        assert "Retry-After" in answers["429"] and "Retry-After" in answers["503"]
        assert ("Location" in answers[success]) == (success == "201")
        taken = parameters(document, each)
        assert ("Idempotency-Key" in taken) == (method == "post")
        assert ("If-Match" in taken) == ("412" in answers)
    one = document["paths"][f"{MEMBERS}/{{member_id}}"]
    assert "ETag" in one["get"]["responses"]["200"]["headers"]
    assert "ETag" not in document["paths"][MEMBERS]["get"]["responses"]["200"]["headers"]


def test_each_parameter_of_a_path_has_words_an_example_and_a_form(document: Document) -> None:
    for path, _, each in operations(document):
        for name, given in parameters(document, each).items():
            assert given["description"], f"{path} {name}"
            if given["in"] == "path":
                assert given["example"], f"{path} {name} has no example: give one to the field that it is of"
                assert re.fullmatch(given["schema"].get("pattern", ".+"), given["example"])
                assert "pattern" in given["schema"] or not name.endswith("_id")


@pytest.mark.parametrize("kind", ["sent", "answered"])
def test_each_body_has_an_example_that_is_valid(document: Document, kind: str) -> None:
    schemas, lacking = document["components"]["schemas"], {}
    for _, _, each in operations(document):
        declared = DECLARED[each["operationId"]]
        bodies = [each.get("requestBody")] if kind == "sent" else [each["responses"][str(declared.status)]]
        model = declared.json if kind == "sent" else declared.returns
        for content in (body["content"]["application/json"] for body in bodies if body and "content" in body):
            assert model and content["example"], each["operationId"]
            model.model_validate(content["example"])
            if made_up := examples.lacking(content["schema"], schemas):
                lacking[each["operationId"]] = made_up
    assert not lacking, "give these fields examples=[…] in views/api/schemas"


def test_answers_link_to_what_can_be_done_next(document: Document) -> None:
    ids = {each["operationId"] for _, _, each in operations(document)}
    created = document["paths"][MEMBERS]["post"]["responses"]["201"]["links"]
    assert created.keys() == {"get_member", "change_member", "remove_member"}
    assert created["get_member"]["parameters"] == {
        "workspace_id": "$request.path.workspace_id",
        "member_id": "$response.body#/id",
    }
    listed = document["paths"][MEMBERS]["get"]["responses"]["200"]["links"]
    assert listed["get_member"]["parameters"]["member_id"] == "$response.body#/data/0/id"
    for _, _, each in operations(document):
        for answer in each["responses"].values():
            assert {link["operationId"] for link in answer.get("links", {}).values()} <= ids


def test_every_reference_leads_somewhere(client: FlaskClient, document: Document) -> None:
    references = set(re.findall(r'"\$ref": ?"([^"]+)"', client.get(DOCUMENT).text))
    assert references and all(at(document, each) is not None for each in references)


def test_real_answers_are_as_it_says(
    document: Document, ada: Person, call: Callable[..., ApiClient], make_key: Callable[..., Any]
) -> None:
    api = call(make_key(ada, scopes={"write:members", "read:members"})[1])
    example = document["paths"][MEMBERS]["post"]["requestBody"]["content"]["application/json"]["example"]
    made = api.post(ada.api(), json=example | {"email": "grace@example.com"})
    assert made.status_code == 201
    one = f"{MEMBERS}/{{member_id}}"
    address = f"{ada.api()}/{made.get_json()['id']}"
    for path, method, answer in (
        (MEMBERS, "post", made),
        (MEMBERS, "post", api.post(ada.api(), json={"name": 1})),
        (MEMBERS, "get", api.get(ada.api())),
        (MEMBERS, "get", call().get(ada.api())),
        (MEMBERS, "get", call(make_key(ada, scopes={"read:data"})[1]).get(ada.api())),
        (one, "get", api.get(address)),
        (one, "patch", api.patch(address, json={"title": "Sales"}, headers={"If-Match": '"old"'})),
        (one, "get", api.get(ada.api("members/mem_0000000000000000"))),
        (one, "delete", api.delete(address)),
    ):
        told = document["paths"][path][method]["responses"][str(answer.status_code)]
        compare(document, told, answer)


def compare(document: Document, told: Document, answer: TestResponse) -> None:
    own = {name for name in document["components"]["headers"] if name in answer.headers}
    assert own <= set(told["headers"])
    assert {name for name in told["headers"] if at(document, told["headers"][name]["$ref"])["required"]} <= own
    content = told.get("content", {})
    assert list(content) == ([answer.mimetype] if answer.data else [])
    if answer.status_code >= 400:
        body = answer.get_json()
        example = at(document, content[answer.mimetype]["examples"][body["code"]]["$ref"])["value"]
        assert {name: body[name] for name in ("type", "title", "status")} == {
            name: example[name] for name in ("type", "title", "status")
        }
        assert body.keys() == example.keys()
