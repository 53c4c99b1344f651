"""The plans side by side, from the one table of limits."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from models.plan import PLANS
from tests.support.cast import Person
from tests.support.clients import Browser


def test_everybody_sees_every_plan(client: FlaskClient) -> None:
    answer = client.get("/pricing")
    assert answer.status_code == 200
    for plan in PLANS.values():
        assert f'<h2 id="plan-{plan.slug}">{plan.title}</h2>' in answer.text
        assert f"<dd>{plan.requests_per_minute:,}</dd>" in answer.text
        assert f"<dd>{plan.history.days} days</dd>" in answer.text
    assert "Your plan" not in answer.text


def test_whoever_is_signed_in_sees_which_is_theirs(ada: Person, browse: Callable[[Person], Browser]) -> None:
    shown = browse(ada).get("/pricing").text
    assert shown.count("Your plan") == 1
    assert '<h2 id="plan-team">Team</h2><span' in shown


@pytest.mark.parametrize("path", ["/help", "settings/plan"])
def test_the_page_is_reached_from_where_limits_are_told(
    ada: Person, browse: Callable[[Person], Browser], path: str
) -> None:
    address = path if path.startswith("/") else ada.settings("plan")
    assert 'href="/pricing"' in browse(ada).get(address).text
