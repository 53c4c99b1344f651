"""GitHub's secret-scanning alerts: the signature is checked, then each key in them is reported.

https://docs.github.com/en/code-security/secret-scanning/secret-scanning-partnership-program
"""

from typing import Any

from flask import Blueprint, Response, current_app, json, request

from models import github_keys, leak, leak_report, metrics
from models.actor import Actor
from models.errors import DomainError, NotFound
from models.leak import Leak, Place
from views.access import client_address
from views.log import request_id

bp = Blueprint("secret_scanning", __name__, url_prefix="/webhooks/github")

# GitHub sends many matches at once: 10,000 of them are about 3 MB.
LONGEST = 16 * 1024 * 1024
IDENTIFIER = "Github-Public-Key-Identifier"
SIGNATURE = "Github-Public-Key-Signature"


class AlertTooLarge(DomainError):
    status, code, title = 413, "too_large", "Request entity too large"
    detail = "The alert is too large. The limit is 16 MB."


@bp.post("/secret-scanning")
def alert() -> Response:
    """Take an alert. The answer tells GitHub which tokens are keys of ours."""
    try:
        given = _signed_list()
    except DomainError as problem:
        metrics.ALERTS.labels("unavailable" if problem.status == 503 else "refused").inc()
        raise
    matches = [match for each in given if (match := _match(each))]
    known = leak.known(match["token"] for match in matches)
    by = Actor("system", "GitHub secret scanning", address=client_address(), request_id=request_id())
    # An alert that comes again takes no transactions.
    settled = Leak.settled(known.values())
    reports = [(known[match["token"]], _place(match)) for match in matches if match["token"] in known]
    fresh = [each for each in reports if (each[0].secret_id, each[1].reporter, each[1].url) not in settled]
    leak_report.report_all(fresh, by=by)
    metrics.ALERTS.labels("taken").inc()
    return _feedback(matches, known)


def _signed_list() -> list[Any]:
    """The body, which must be a list that GitHub signed."""
    identifier, signature = request.headers.get(IDENTIFIER), request.headers.get(SIGNATURE)
    if identifier is None or signature is None:
        raise NotFound
    given = github_keys.decoded(signature)
    key = github_keys.at(current_app.config["SETTINGS"].github_keys_url).find(identifier) if given else None
    if given is None or key is None:
        raise DomainError("This is not signed with a current key of GitHub's.")
    if (request.content_length or 0) > LONGEST:
        raise AlertTooLarge
    request.max_content_length = LONGEST
    body = request.get_data()
    if not key.signed(body, given):
        raise DomainError("The signature is not that of this body.")
    try:
        found = json.loads(body)
    except ValueError as problem:
        raise DomainError("This is not JSON.") from problem
    if not isinstance(found, list):
        raise DomainError("This is not a list of matches.")
    return found


def _match(record: Any) -> dict[str, str] | None:
    """The texts of one record; None for a record without a token, which costs the others nothing."""
    if not isinstance(record, dict) or not isinstance(record.get("token"), str):
        return None
    return {
        name: text if isinstance(text := record.get(name), str) else "" for name in ("token", "type", "url", "source")
    }


def _place(match: dict[str, str]) -> Place:
    return Place(leak.GITHUB, match["url"], match["source"], match["type"]).cleaned()


def _feedback(matches: list[dict[str, str]], known: dict[str, leak.Known]) -> Response:
    told = [
        {
            "token_raw": match["token"],
            "token_type": match["type"],
            "label": "true_positive" if match["token"] in known else "false_positive",
        }
        for match in matches
    ]
    # As ASCII: a text from outside may hold half of a character.
    return Response(json.dumps(told), content_type="application/json")
