"""What an owner chooses for a key, the rules for it, and whether a change gives a key more."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NoReturn

from models import network, scope, text
from models.errors import Invalid, PlanLimit
from models.plan import Plan
from models.policy import Policy, misfits

NAME_TAKEN = "Another key has this name. Choose one that tells them apart."

REASONS = {
    "unneeded": "No longer needed",
    "replaced": "Replaced by another key",
    "leaked": "Exposed or compromised",
    "left": "Its maker or its user left",
    "other": "Another reason",
}

LONGEST_NAME = 80
LONGEST_NOTE = 200
# Far enough for anybody, and safe for arithmetic with zones.
FURTHEST = timedelta(days=50 * 366)
NO_RULES = Policy()
# What one can do about a rule of the policy.
FIT = {"expires_at": "Choose an earlier expiration.", "networks": "Enter the addresses it may be used from."}


@dataclass(frozen=True, slots=True)
class KeySettings:
    """Times are aware UTC; no `expires_at` means no expiration, no `networks` any address."""

    name: str
    scopes: frozenset[str]
    note: str = ""
    networks: tuple[str, ...] = ()
    starts_at: datetime | None = None
    expires_at: datetime | None = None

    def columns(self) -> dict[str, object]:
        """As the table stores them."""
        return {
            "name": self.name,
            "name_folded": text.folded(self.name),
            "note": self.note,
            "scopes": scope.join(self.scopes),
            "networks": " ".join(self.networks),
            "starts_at": self.starts_at,
            "expires_at": self.expires_at,
        }

    def facts(self) -> dict[str, object]:
        """As the audit trail tells them."""
        return {
            "name": self.name,
            "scopes": scope.join(self.scopes).split(),
            "networks": list(self.networks),
            "starts_at": self.starts_at and self.starts_at.isoformat(),
            "expires_at": self.expires_at and self.expires_at.isoformat(),
        }


def checked(
    settings: KeySettings,
    plan: Plan,
    moment: datetime,
    before: KeySettings | None = None,
    policy: Policy = NO_RULES,
) -> KeySettings:
    """The settings in uniform form. `Invalid` names every mistake; `PlanLimit` what the plan lacks.

    What stays as it was `before` is not held against a plan, a policy or a clock that has moved on.
    """
    errors: dict[str, str] = {}
    name = _line(settings.name, "name", "a name", LONGEST_NAME, errors, required=True)
    note = _line(settings.note, "note", "a note", LONGEST_NOTE, errors, required=False)
    networks = _networks(settings.networks, errors)
    if not settings.scopes:
        errors["scopes"] = "Choose at least one scope."
    elif unknown := settings.scopes - scope.SCOPES.keys():
        errors["scopes"] = f"There is no scope {sorted(unknown)[0]!r}."
    if before is None or settings.expires_at != before.expires_at:
        _check_end(settings.expires_at, moment, errors)
    _check_start(settings, moment, before, errors)
    done = replace(settings, name=name, note=note, networks=networks)
    if before is None or widens(before, done):
        # A key that the policy would not let be made keeps working, and is given nothing more until it fits.
        errors = {field: f"{rule} {FIT[field]}" for field, rule in misfits(done, policy, moment).items()} | errors
    if errors:
        raise Invalid(errors)
    _check_plan(done, plan, moment, before)
    return done


def changes(before: KeySettings, after: KeySettings) -> dict[str, list[object]]:
    """What differs, as field → [before, after], for the audit trail."""
    old, new = before.facts() | {"note": before.note}, after.facts() | {"note": after.note}
    return {field: [old[field], new[field]] for field in new if old[field] != new[field]}


def widens(before: KeySettings, after: KeySettings) -> bool:
    """Whether the change gives the key more: a scope, an address, an earlier start or a later end."""
    return (
        any(not scope.covers(before.scopes, each) for each in after.scopes)
        or not network.covers(" ".join(before.networks), " ".join(after.networks))
        or _later(after.expires_at, before.expires_at)
        or (before.starts_at is not None and (after.starts_at is None or after.starts_at < before.starts_at))
    )


def one_line(value: str, field: str) -> str:
    errors: dict[str, str] = {}
    done = _line(value, field, "a note", LONGEST_NOTE, errors, required=False)
    if errors:
        raise Invalid(errors)
    return done


def _later(after: datetime | None, before: datetime | None) -> bool:
    if before is None:
        return False
    return after is None or after > before


def _line(value: str, field: str, what: str, longest: int, errors: dict[str, str], *, required: bool) -> str:
    try:
        return text.line(value, what=what, longest=longest, required=required)
    except text.BadText as problem:
        errors[field] = str(problem)
        return ""


def _networks(entries: tuple[str, ...], errors: dict[str, str]) -> tuple[str, ...]:
    try:
        return tuple(network.parse_list(" ".join(entries)))
    except network.BadNetwork as problem:
        errors["networks"] = str(problem)
        return ()


def _check_start(settings: KeySettings, moment: datetime, before: KeySettings | None, errors: dict[str, str]) -> None:
    start, end = settings.starts_at, settings.expires_at
    if start is None:
        return
    if start <= moment and (before is None or start != before.starts_at):
        errors["starts_at"] = "Choose a start in the future, or none to start at once."
    elif start > moment + FURTHEST:
        errors["starts_at"] = "Choose a start within 50 years."
    elif end is not None and start >= end:
        errors["starts_at"] = "The start must be before the expiration."


def _check_end(expires_at: datetime | None, moment: datetime, errors: dict[str, str]) -> None:
    if expires_at is not None and expires_at <= moment:
        errors["expires_at"] = "Choose an expiration in the future."
    elif expires_at is not None and expires_at > moment + FURTHEST:
        errors["expires_at"] = "Choose an expiration within 50 years, or none."


def _check_plan(settings: KeySettings, plan: Plan, moment: datetime, before: KeySettings | None) -> None:
    """Raise `PlanLimit` for what is new and not in the plan. What a key has already may stay or become less."""
    is_longer = before is None or _later(settings.expires_at, before.expires_at)
    if is_longer and plan.longest_life is not None and _later(settings.expires_at, moment + plan.longest_life):
        days = plan.longest_life.days
        _refuse(plan, "longest_life_days", days, f"Keys on the {plan.title} plan live at most {days} days.")
    gains_admin = scope.ADMIN in settings.scopes and (before is None or scope.ADMIN not in before.scopes)
    if gains_admin and not plan.admin_keys:
        _refuse(plan, "admin_keys", False, f"The {plan.title} plan does not include keys with {scope.ADMIN}.")
    had = before is not None and before.networks
    is_less = before is not None and had and network.covers(" ".join(before.networks), " ".join(settings.networks))
    if settings.networks and not plan.allowlists and not is_less:
        _refuse(plan, "allowlists", False, f"The {plan.title} plan does not include IP allowlists.")


def _refuse(plan: Plan, limit: str, value: object, words: str) -> NoReturn:
    raise PlanLimit(words, limit=limit, value=value, plan=plan.slug)
