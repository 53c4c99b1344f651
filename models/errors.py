"""What can go wrong, in words. `views/errors.py` turns each into a page or a problem document."""

from collections.abc import Mapping
from typing import Any


class DomainError(Exception):
    """A refusal with an HTTP status, a stable code for programs and a sentence for people."""

    status = 400
    code = "bad_request"
    title = "Bad request"
    detail = "The request could not be understood."

    def __init__(self, detail: str | None = None, **facts: object) -> None:
        super().__init__(detail or self.detail)
        self.detail = detail or self.detail
        self.facts = facts


class Invalid(DomainError):
    """Well-formed but wrong values: which field, and what to do about it."""

    status, code, title = 422, "validation_failed", "Validation failed"
    detail = "Some values are not valid."

    def __init__(self, errors: Mapping[str, str] | None = None, /, **more: str) -> None:
        self.errors = {**(errors or {}), **more}
        super().__init__(" ".join(self.errors.values()), errors=self.errors)


class NotFound(DomainError):
    """Also for what exists in another workspace: the answer is the same, byte for byte."""

    status, code, title = 404, "not_found", "Not found"
    detail = "There is nothing at this address."


class DeadLink(NotFound):
    """A link of a mail, or one that was handed over, that leads nowhere any more."""

    title = "This link does not work"


class NotAllowed(DomainError):
    status, code, title = 403, "not_allowed", "Not allowed"
    detail = "Your role does not allow this."


class Conflict(DomainError):
    status, code, title = 409, "conflict", "Conflict"
    detail = "This changed in the meantime."


class KeyEnded(Conflict):
    """A key that is revoked or has expired cannot be changed any more."""

    def __init__(self, key_id: str, name: str, how: str) -> None:
        super().__init__(f"{name} {how}. It cannot be changed: create a copy of it.")
        self.key_id = key_id


class AlreadyDone(Conflict):
    """The same form was sent twice; the first answer stands."""

    def __init__(self, key_id: str) -> None:
        super().__init__("This form was sent before, and it took effect then.")
        self.key_id = key_id


class PreconditionFailed(DomainError):
    status, code, title = 412, "precondition_failed", "Precondition failed"
    detail = "This changed since you read it. Read it again, and send the change with its new ETag."


class PlanLimit(DomainError):
    status, code, title = 403, "plan_limit", "Plan limit"
    detail = "The plan does not allow this."


class Throttled(DomainError):
    status, code, title = 429, "rate_limited", "Too many tries"

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many tries. Try again in {seconds} second{'s' * (seconds != 1)}.")
        self.retry_after = seconds


class Unavailable(DomainError):
    status, code, title = 503, "unavailable", "Unavailable"
    detail = "The database cannot be reached. Try again shortly."


class InsufficientScope(DomainError):
    status, code, title = 403, "insufficient_scope", "Scope missing"

    def __init__(self, scope: str) -> None:
        super().__init__(f"This API key lacks the scope {scope}.", scope=scope)
        self.scope = scope


class RateLimited(DomainError):
    """A limit of the plan: `rate_limited` for the key's minute, `quota_exceeded` for the workspace's month."""

    status, code, title = 429, "rate_limited", "Rate limit reached"

    def __init__(self, code: str, *, limit: int, plan: str, seconds: int) -> None:
        self.code, self.retry_after = code, seconds
        wait = f"Try again in {seconds} second{'s' * (seconds != 1)}."
        detail = f"This API key has used its {limit:,} requests of this minute. {wait}"
        if code == "quota_exceeded":
            self.title = "Quota used up"
            detail = f"This workspace has used its {limit:,} requests of this month. {wait}"
        violated = ["month" if code == "quota_exceeded" else "minute"]
        super().__init__(detail, limit=limit, plan=plan, retry_after=seconds, **{"violated-policies": violated})


class KeyRefused(DomainError):
    """A credential that is not good now. Whoever lacks the whole secret learns nothing but `invalid_key`."""

    status, code, title = 401, "invalid_key", "Invalid API key"
    detail = "This is not a valid API key."

    def __init__(self, code: str = "invalid_key", *, proven: Any = None, of_secret: bool = False) -> None:
        """`of_secret`: only the secret that was sent has ended, and its key lives on with another one."""
        self.code = code
        self.status, self.title, detail = REFUSALS[code]
        if of_secret:
            detail = OF_SECRET
        # The `Credential`, once its secret was proven.
        self.proven = proven
        super().__init__(detail)


OF_SECRET = "This secret of the API key was replaced and has stopped working. Use the current one."
REFUSALS = {
    "missing_key": (401, "API key required", "Send an API key: Authorization: Bearer gr_…"),
    "invalid_key": (401, "Invalid API key", "This is not a valid API key."),
    "revoked_key": (401, "API key revoked", "This API key has been revoked."),
    "expired_key": (401, "API key expired", "This API key has expired."),
    "disabled_key": (401, "API key disabled", "This API key is disabled. An owner or admin can enable it."),
    "not_yet_valid_key": (401, "API key not valid yet", "This API key is not valid yet."),
    "key_quarantined": (403, "API key in quarantine", "This API key was put aside. An owner or admin can wake it."),
    "ip_not_allowed": (403, "Address not allowed", "This API key may not be used from this address."),
}
