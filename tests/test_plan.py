"""Plan & usage: what is used, what is over a smaller plan, and that nothing of that is stopped."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from models import ApiKey, MonthlyUse, Workspace, database, key_copy, monthly_use, plan_fit
from models.actor import COMMAND_LINE
from models.errors import Invalid, PlanLimit
from models.plan import PLANS
from models.policy import Limits, Policy
from models.tenancy import change_plan
from tests.support.cast import Person, make_admin_key, make_key
from tests.support.clients import ApiClient, Browser
from tests.support.servers import Server

Browse = Callable[[Person], Browser]


def plan_page(browser: Browser, person: Person) -> str:
    return browser.get(person.settings("plan")).text


def end(days: int) -> Any:
    return database.now() + timedelta(days=days)


@pytest.fixture
def outgrown(ada: Person) -> dict[str, ApiKey]:
    """Keys of a workspace that has just moved to the Free plan."""
    keys = {
        "fits": make_key(ada, name="Fits", expires_at=end(30))[0],
        "endless": make_key(ada, name="Endless")[0],
        "admin": make_admin_key(ada, name="Admin", expires_at=end(30))[0],
        "bound": make_key(ada, name="Bound", networks=("192.0.2.0/24",), expires_at=end(30))[0],
    }
    change_plan(ada.workspace, "free", by=COMMAND_LINE)
    return {name: ApiKey.find(ada.workspace.id, key.id) for name, key in keys.items()}


def test_the_page_tells_what_is_used(ada: Person, browse: Browse) -> None:
    make_key(ada)
    month = monthly_use.month_at(database.now_microseconds()).number
    MonthlyUse.create(workspace=ada.workspace, month=month, used=812_345)
    shown = plan_page(browse(ada), ada)
    assert "1 of 25 active keys" in shown
    assert "812,345 of 1,000,000 requests" in shown and "00:00 UTC" in shown
    assert "Nearly used up" in shown
    assert "Over the plan" not in shown


def test_it_tells_when_a_limit_is_reached(ada: Person, browse: Browse) -> None:
    change_plan(ada.workspace, "free", by=COMMAND_LINE)
    for _ in range(3):
        make_key(ada, expires_at=end(10))
    assert "3 of 3 active keys" in (shown := plan_page(browse(ada), ada)) and "Used up" in shown


def test_it_compares_with_the_next_plan(ada: Person, browse: Browse) -> None:
    shown = plan_page(browse(ada), ada)
    assert "Team, your plan" in shown and '<th scope="col">Business</th>' in shown and "<td>6,000</td>" in shown
    change_plan(ada.workspace, "enterprise", by=COMMAND_LINE)
    make_key(ada)
    last = plan_page(browse(ada), ada)
    assert "Enterprise, your plan" in last and "1 active key, without a limit" in last


def test_a_smaller_plan_stops_nothing(ada: Person, call: Callable[..., ApiClient]) -> None:
    secrets = [make_key(ada, networks=("192.0.2.0/24",))[1], make_admin_key(ada)[1]] + [make_key(ada)[1]] * 3
    change_plan(ada.workspace, "free", by=COMMAND_LINE)
    assert [call(text).get(ada.api()).status_code for text in secrets] == [200] * 5
    assert call(secrets[0]).get(ada.api(), address="203.0.113.1").status_code == 403


def test_it_marks_what_is_over(ada: Person, browse: Browse, outgrown: dict[str, ApiKey]) -> None:
    shown = plan_page(browse(ada), ada)
    assert "over the Free plan" in shown and "1 more key is active than the plan has" in shown
    assert "It never expires; keys live at most 90 days on the plan." in shown
    assert "It has admin:workspace, which the plan does not include." in shown
    assert "It has an IP allowlist, which the plan does not include." in shown
    assert ">Fits</a>" not in shown
    listed = browse(ada).get(ada.settings()).text
    assert listed.count("Over plan") == 3
    assert "Over the Free plan." in browse(ada).get(ada.settings(f"api-keys/{outgrown['admin'].id}")).text
    assert "Over the Free plan." not in browse(ada).get(ada.settings(f"api-keys/{outgrown['fits'].id}")).text


def test_the_words_and_the_query_agree(ada: Person, outgrown: dict[str, ApiKey]) -> None:
    fit = plan_fit.fit(ada.workspace, database.now())
    assert {key.name for key in fit.over} == {"Endless", "Admin", "Bound"}
    assert (fit.active, fit.beyond, fit.over_count, fit.fits) == (4, 1, 3, False)
    for key in outgrown.values():
        assert bool(plan_fit.misfits(key, PLANS["free"], database.now())) == (key.id in {each.id for each in fit.over})


def test_what_is_over_can_be_made_less_and_never_more(ada: Person, outgrown: dict[str, ApiKey]) -> None:
    def change(which: str, **values: Any) -> None:
        ApiKey.find(ada.workspace.id, outgrown[which].id).change(values, disabled=None, by=ada.actor)

    change("endless", name="Still endless")
    change("bound", scopes=frozenset({"read:data"}))
    outgrown["admin"].rotate(by=ada.actor)
    change("bound", networks=("192.0.2.0/25",))
    change("endless", expires_at=end(200))
    change("endless", expires_at=end(80))
    change("admin", scopes=frozenset({"read:members"}))
    for name, values, wrong in (
        ("fits", {"expires_at": end(91)}, PlanLimit),
        ("fits", {"expires_at": None}, PlanLimit),
        ("fits", {"expires_at": end(-1)}, Invalid),
        ("fits", {"scopes": frozenset({"admin:workspace"})}, PlanLimit),
        ("fits", {"networks": ("192.0.2.0/24",)}, PlanLimit),
        ("admin", {"scopes": frozenset({"admin:workspace"})}, PlanLimit),
        ("bound", {"networks": ("192.0.2.0/24",)}, PlanLimit),
        ("bound", {"networks": ("192.0.2.0/26", "203.0.113.1")}, PlanLimit),
    ):
        with pytest.raises(wrong):
            change(name, **values)
    with pytest.raises(PlanLimit):
        make_key(ada, expires_at=end(10))
    copied = key_copy.like(outgrown["bound"], Limits(PLANS["free"], Policy()), database.now())
    assert (copied.networks, copied.expires_at is not None) == ((), True)
    outgrown["endless"].revoke(by=ada.actor)


def test_a_history_that_the_plan_cuts_off_says_so(ada: Person, browse: Browse) -> None:
    with time_machine.travel(database.now() - timedelta(days=10), tick=False):
        key, _ = make_key(ada, expires_at=end(60))
    path = ada.settings(f"api-keys/{key.id}")
    assert "created the key" in (shown := browse(ada).get(path).text) and "goes back" not in shown
    change_plan(ada.workspace, "free", by=COMMAND_LINE)
    assert "created the key" not in (shown := browse(ada).get(path).text)
    assert "History on the Free plan goes back 7 days." in shown


def test_members_see_it_and_manage_nothing(ada: Person, bob: Person, browse: Browse) -> None:
    make_key(ada, name="Endless")
    change_plan(ada.workspace, "free", by=COMMAND_LINE)
    shown = plan_page(browse(bob), bob)
    assert "<b>Endless</b>" in shown and "api-keys/key_" not in shown


def test_a_stranger_sees_nothing(ada: Person, mallory: Person, browse: Browse) -> None:
    assert browse(mallory).get(ada.settings("plan")).status_code == 404


def test_no_page_changes_the_plan(ada: Person, browse: Browse) -> None:
    answer = browse(ada).post(ada.settings("plan"), {"plan": "enterprise"})
    assert answer.status_code == 405
    assert Workspace.get_by_id(ada.workspace.id).plan_slug == "team"


def test_the_command_line_changes_it_and_tells_what_is_over(server: Server, tmp_path: Path) -> None:
    person = server.owner("Shrinking")
    key, _ = server.key(person, scopes={"admin:workspace"})
    told = server.flask("workspace", "plan", person.workspace.id, "free")
    assert (told["plan"], told["keys_beyond_the_plan"], told["keys_over_the_plan"]) == ("free", 0, [key.id])
