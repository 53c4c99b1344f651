"""Incidents that several machines see at once, and those of keys that are gone."""

from collections.abc import Callable

from models import ApiKey, AuditEvent, Incident
from tests.support.cast import Person
from tests.support.cleanup import page, section
from tests.support.clients import Browser
from tests.support.key_pages import fresh
from tests.support.threads import at_once
from tests.support.usage import dead_use

Browse = Callable[[Person], Browser]
MakeKey = Callable[..., tuple[ApiKey, str]]


def test_a_place_that_many_see_at_once_is_one_incident(ada: Person, make_key: MakeKey) -> None:
    key, _ = make_key(ada)
    key.revoke(by=ada.actor)
    assert at_once(6, lambda _: dead_use(key)) == [None] * 6
    [found] = Incident.open_of(key)
    assert found.count == 18
    trail = [event.action for event in AuditEvent.about(ada.workspace.id, key.id)]
    assert trail.count("api_key.dead_secret_used") == 1


def test_a_key_that_was_deleted_is_nothing_to_clean_up(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    key, _ = make_key(ada, name="Gone soon")
    key.revoke(by=ada.actor)
    dead_use(key)
    assert "Gone soon" in section(page(browse(ada), ada), "called")
    fresh(key).delete(by=ada.actor)
    assert "Nothing to clean up" in page(browse(ada), ada).text
