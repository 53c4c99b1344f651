"""Background jobs, for owners: when each last ran, how long that took, and how it ended."""

from flask import Blueprint, g
from flask.typing import ResponseReturnValue

from models import JobRun
from views.access import requires
from views.htmx import page

bp = Blueprint("jobs", __name__, url_prefix="/w/<workspace_id>/settings/jobs")


@bp.get("")
@requires("jobs.see")
def index(workspace_id: str) -> ResponseReturnValue:
    runs = JobRun.latest()
    return page("jobs/index.html", runs=runs, silent_since=JobRun.silent_since(runs, g.now))
