"""The page of background jobs: what ran when, for owners alone."""

from collections.abc import Callable

from models import JobRun
from tests.support.cast import Person
from tests.support.clients import Browser
from tests.support.key_pages import words

Browse = Callable[[Person], Browser]


def test_owners_see_when_each_job_ran_and_how_it_ended(ada: Person, browse: Browse) -> None:
    assert "Nothing has run yet" in words(browse(ada).get(ada.settings("jobs")))
    for job, failed in (("purge", False), ("send_mail", True)):
        JobRun.begin(job)
        JobRun.end(job, ms=1234, failed=failed, outcome="deleted 3 sessions")
    shown = words(browse(ada).get(ada.settings("jobs")))
    assert "send_mail failed when last run" in shown
    assert "purge Just now 1.2 s Done" in shown
    # What happened in other workspaces is in no outcome that is shown.
    assert "sessions" not in shown


def test_nobody_else_sees_it(ada: Person, olga: Person, bob: Person, mallory: Person, browse: Browse) -> None:
    for person in (olga, bob):
        assert browse(person).get(ada.settings("jobs")).status_code == 403
        assert "Background jobs" not in words(browse(person).get(ada.settings("plan")))
    assert browse(mallory).get(ada.settings("jobs")).status_code == 404
    assert "Background jobs" in words(browse(ada).get(ada.settings("plan")))
