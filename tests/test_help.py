"""The help page: it is there for everybody, and it knows every scope, use case, plan and error."""

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from models import errors as model_errors
from models import scope, secret
from models.plan import PLANS
from tests.support.cast import Person
from tests.support.clients import ApiClient, Browser
from views import errors

ROOT = Path(__file__).parent.parent


@pytest.fixture
def shown(client: FlaskClient) -> str:
    answer = client.get("/help")
    assert answer.status_code == 200
    return answer.text


def codes() -> set[str]:
    """Every `code` that the API can answer with."""
    found = {*errors.CODES.values(), *model_errors.REFUSALS}
    for file in ("models/errors.py", "views/errors.py"):
        for node in ast.walk(ast.parse((ROOT / file).read_text())):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
                names = [each.id for each in node.targets[0].elts if isinstance(each, ast.Name)]
                if names[:2] == ["status", "code"]:
                    found.add(ast.literal_eval(node.value)[1])
    return found


def test_every_error_of_the_api_has_its_anchor(shown: str) -> None:
    missing = [code for code in sorted(codes()) if f'id="{code}"' not in shown]
    assert not missing


def test_a_problem_document_leads_to_its_anchor(call: Callable[..., ApiClient], shown: str, ada: Person) -> None:
    address, _, anchor = call().get(ada.api()).json["type"].partition("#")  # type: ignore[index]
    assert address == "http://localhost/help"
    assert f'id="{anchor}"' in shown


def test_anchors_are_unique(shown: str) -> None:
    ids = re.findall(r'\sid="([^"]+)"', shown)
    assert len(ids) == len(set(ids))


def test_it_lists_scopes_use_cases_and_plans(shown: str) -> None:
    for each in scope.SCOPES.values():
        assert each.summary in shown
    for preset in scope.PRESETS:
        assert preset.title in shown
    for plan in PLANS.values():
        assert f">{plan.title}</th>" in shown


def test_it_shows_no_text_that_could_be_a_key(shown: str) -> None:
    assert "gr_your_api_key_here" in shown
    assert not secret.FORM.search(shown)


def test_who_is_signed_out_gets_a_way_in(shown: str) -> None:
    assert 'href="/login"' in shown
    assert "Sign out" not in shown


def test_who_is_signed_in_keeps_the_menu_and_sees_their_workspace(
    ada: Person, browse: Callable[[Person], Browser]
) -> None:
    text = browse(ada).get("/help").text
    assert ada.settings("members") in text
    assert f"/api/v2/w/{ada.workspace.id}/members" in text
