"""What is left of a request once its answer is known: its use in the journal, and its limits in the header."""

import logging

from flask import Request, Response, g, request
from peewee import PeeweeException
from werkzeug.exceptions import HTTPException

from models import Refusal, database, metrics, rate_limit, usage_journal, verification
from models.errors import DomainError, KeyRefused
from models.usage_journal import REFUSED, Use
from models.verification import Credential
from views import errors
from views.api import warnings
from views.api.enforcement import ANY_KEY, NEEDS, PUBLIC, bearer_token, verdict_of
from views.application import context, notes
from views.errors import BadCredentials
from views.frame import KEY_ID, MORE_HEADERS
from views.log import request_id

# With these a request may be refused before its key is looked at.
UNSEEN = (400, 404, 405, 411, 413)
# In the place of a route's template.
NO_ROUTE = "(no such route)"

log = logging.getLogger(__name__)


def finish(response: Response) -> Response:
    """Write the use down, tell where the key stands, and announce an end that is near."""
    mine = notes()
    proven: Credential | None = mine.get("proven")
    if proven is None:
        if response.status_code in UNSEEN and "proven" not in mine:
            _write_unseen(response.status_code)
        return response
    asked = context().request
    moment = database.now_microseconds()
    # Before anything else can fail: what the client is about to see is counted.
    _write_use(asked, proven, mine.verdict, moment, response.status_code)
    if response.status_code >= 400:
        _record_refusal(proven, response.status_code)
    credential: Credential | None = mine.get("credential")
    if credential is None:
        return response
    standing = mine.get("standing") or _look(credential, moment)
    if standing is None:
        return response
    headers = list(rate_limit.fields(standing, credential.plan, moment))
    end = credential.end
    if end is not None and end - moment <= warnings.NEAR:
        headers += warnings.fields(credential, end)
    asked.environ[MORE_HEADERS] = headers
    return response


def _look(credential: Credential, moment: int) -> rate_limit.Standing | None:
    """Where a key stands that was refused; its answer is there already, and must not fail for this."""
    try:
        return rate_limit.look(credential, moment)
    except PeeweeException as problem:
        log.warning("where a key stands is not known", extra={"reason": type(problem).__name__})
        return None


def no_route(error: HTTPException) -> Response:
    """Answer what no route takes, as everywhere; in the API it is counted for the key that was sent."""
    response = errors.http_error(error)
    asked = context().request
    if asked.endpoint is None and asked.path.startswith("/api/"):
        _write_unseen(response.status_code)
    return response


def _write_unseen(status: int) -> None:
    """Tie a request that was refused for something else to its key. The answer is there already: it is only told of."""
    here = context()
    asked = here.request
    wanted = getattr(here.app.view_functions.get(str(asked.endpoint)), "needs", ANY_KEY)
    if wanted is PUBLIC:
        return
    try:
        proven, verdict = verification.verify(bearer_token(asked.environ.get("HTTP_AUTHORIZATION"))), REFUSED
    except KeyRefused as refusal:
        if refusal.proven is None:
            return
        proven, verdict = refusal.proven, verdict_of(refusal)
    except BadCredentials:
        return
    except PeeweeException as problem:
        log.warning("a refused request could not be tied to a key", extra={"reason": type(problem).__name__})
        return
    asked.environ[NEEDS], asked.environ[KEY_ID] = wanted, proven.key_id
    moment, end = database.now_microseconds(), proven.end
    _write_use(asked, proven, verdict, moment, status)
    if verdict == REFUSED and end is not None and end - moment <= warnings.NEAR:
        asked.environ[MORE_HEADERS] = warnings.fields(proven, end)


def _write_use(asked: Request, proven: Credential, verdict: str, moment: int, status: int) -> None:
    environ = asked.environ
    client = environ.get("HTTP_USER_AGENT", "")
    wanted: str = environ[NEEDS]
    usage_journal.write(
        Use(
            moment, proven.key_id, proven.secret_id, wanted, verdict, status, _route(asked),
            environ.get("REMOTE_ADDR") or "", client,
        )
    )  # fmt: skip


def _record_refusal(proven: Credential, status: int) -> None:
    """Keep what the owner of a key will look for. Nothing is kept of a secret that was not proven."""
    error: DomainError | None = g.get("problem")
    # A key that asks for another workspace is told of nothing there, and its owner that it asked.
    if error is None or not (status in (401, 403, 429) or _asks_elsewhere(proven)):
        return
    Refusal.record(
        workspace_id=proven.workspace_id,
        key_id=proven.key_id,
        request_id=request_id(),
        code=error.code,
        status=status,
        request=_route(context().request),
        scope=getattr(error, "scope", None),
        address=request.remote_addr or "",
        client=request.environ.get("HTTP_USER_AGENT", ""),
    )


def _asks_elsewhere(proven: Credential) -> bool:
    return (request.view_args or {}).get("workspace_id", proven.workspace_id) != proven.workspace_id


def _route(asked: Request) -> str:
    """The method and the route's template, never the path as sent."""
    if asked.url_rule is None:
        return f"{asked.method if asked.method in metrics.METHODS else metrics.ELSE} {NO_ROUTE}"
    return f"{asked.method} {asked.url_rule.rule}"
