"""The help page: what keys are, how to use them, and what each error of the API means."""

from typing import NamedTuple

from flask import Blueprint, Response, current_app, g, render_template
from flask.typing import ResponseReturnValue

from models import Member, scope, secret
from models.key_state import EXPIRING
from models.plan import PLANS
from views import htmx, plan_words

bp = Blueprint("help", __name__)


class Problem(NamedTuple):
    """One `code` of a problem document. Its `type` leads to the anchor of this name."""

    status: int
    code: str
    meaning: str
    advice: str


PROBLEMS = tuple(
    Problem(*each)
    for each in (
        (400, "bad_request", "The request cannot be parsed, or the key is in the wrong place.",
         "Send valid JSON, and the key once, in the Authorization header alone."),
        (401, "missing_key", "No API key came with the request.",
         "Add the header Authorization: Bearer gr_…"),
        (401, "invalid_key", "This is not one of our keys.",
         "Compare it with the one you stored: nothing may be missing, added or changed."),
        (401, "revoked_key", "The key was revoked, or its secret was replaced.",
         "Use the new one, or create another key."),
        (401, "expired_key", "The key has reached its expiration.",
         "Create another key with the same settings, from the page of the old one."),
        (401, "disabled_key", "The key is paused.",
         "An owner or admin can enable it."),
        (401, "not_yet_valid_key", "The key starts later.",
         "Wait for its start, or ask an owner or admin for an earlier one."),
        (403, "key_quarantined", "The key was put aside, most often because nobody had used it for long.",
         "An owner or admin wakes it at the wake_url of the answer."),
        (403, "insufficient_scope", "The key lacks the scope that the answer names.",
         "Add that scope to the key, or use another key."),
        (403, "ip_not_allowed", "The request came from an address outside the IP allowlist of the key.",
         "Add the address, or call from one that is listed."),
        (403, "plan_limit", "The plan of the workspace does not include this.",
         "The answer names the limit. Free something up, or change the plan."),
        (403, "not_allowed", "No key may do this, whatever its scopes.",
         "Owners and admins do it on the settings pages."),
        (403, "forbidden", "The request was refused before anything was looked at.",
         "Send it from your own server, not from another site."),
        (404, "not_found", "Nothing is at this address, for this key.",
         "Check the ids. What belongs to another workspace looks like this, too."),
        (405, "method_not_allowed", "The address does not take this method.",
         "The Allow header lists those it takes."),
        (409, "conflict", "Something stands in the way, such as a change made meanwhile.",
         "Read it again, then decide."),
        (411, "length_required", "The body came without its length.",
         "Send Content-Length. Bodies in chunks are not taken."),
        (412, "precondition_failed", "What If-Match names was changed meanwhile.",
         "Read it again, and send the change with its new ETag."),
        (413, "too_large", "The body is larger than 1 MB.",
         "Send less at a time."),
        (415, "unsupported_media_type", "The body is not marked as JSON.",
         "Send Content-Type: application/json."),
        (422, "validation_failed", "The JSON is fine, but some values are not.",
         "The list errors names each field and what is wrong with it."),
        (429, "rate_limited", "The key has used its requests of this minute, or an address sends many bad keys.",
         "Wait as long as Retry-After says. The field RateLimit tells in time what is left."),
        (429, "quota_exceeded", "The workspace has used its requests of this month.",
         "Wait for the first of the month in UTC, or move to a larger plan."),
        (431, "headers_too_large", "The headers are too large.",
         "Send the key and nothing else in Authorization."),
        (500, "internal_error", "Something went wrong on our side.",
         "Try again. If it stays, tell us the request_id of the answer."),
        (503, "unavailable", "The database cannot be reached, so nothing was let through.",
         "Try again after the seconds in Retry-After."),
    )
)  # fmt: skip


@bp.get("/help")
def show() -> ResponseReturnValue:
    if "user" in g:
        g.member = Member.first_of(g.user)
    return htmx.page(
        "help/show.html",
        base_url=current_app.config["SETTINGS"].base_url,
        scopes=scope.SCOPES.values(),
        presets=scope.PRESETS,
        plans=[(plan.title, plan_words.facts(plan)) for plan in PLANS.values()],
        problems=PROBLEMS,
        soon=EXPIRING.days,
        rule=_rule(),
        hook=_hook(),
    )


@bp.get("/help/gitleaks.toml")
def rule() -> Response:
    """A rule with which gitleaks finds keys."""
    return Response(_rule(), content_type="text/plain; charset=utf-8")


@bp.get("/help/pre-commit")
def hook() -> Response:
    """A hook with which git refuses to commit a key."""
    return Response(_hook(), content_type="text/plain; charset=utf-8")


def _rule() -> str:
    return render_template("help/gitleaks.toml", form=secret.FORM.pattern) + "\n"


def _hook() -> str:
    return render_template("help/pre-commit.sh", rule=_rule().strip()) + "\n"
