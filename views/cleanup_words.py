"""The words of the Clean-up page: why a key is there, what would break without it, what an action does to it."""

from models import key_bulk, key_review
from models.impact import Impact
from models.key_bulk import EXTENSIONS, Outcome
from models.key_review import Candidate
from models.policy import Policy
from views import format, key_impact

TITLES = {
    key_review.UNUSED: "Unused",
    key_review.EXPIRING: "Expiring",
    key_review.ROTATION: "Rotation due",
    key_review.LEFT: "Maker gone",
    key_review.WIDE: "More than it uses",
    key_review.CALLED: "Called with a dead secret",
}
# What stands on the button that asks.
BUTTONS = {
    key_bulk.EXTEND_30: "Extend 30 days…",
    key_bulk.EXTEND_90: "Extend 90 days…",
    key_bulk.NARROW: "Narrow…",
    key_bulk.ROTATE: "Rotate…",
    key_bulk.QUARANTINE: "Quarantine…",
    key_bulk.REVOKE: "Revoke…",
}
# Of what was done, of the button that takes it back, and of what that did.
DONE = {
    key_bulk.EXTEND_30: "extended by 30 days",
    key_bulk.EXTEND_90: "extended by 90 days",
    key_bulk.NARROW: "narrowed",
    key_bulk.ROTATE: "rotated",
    key_bulk.QUARANTINE: "put in quarantine",
    key_bulk.REVOKE: "revoked",
}
UNDO = {
    key_bulk.EXTEND_30: "Undo for",
    key_bulk.EXTEND_90: "Undo for",
    key_bulk.NARROW: "Undo for",
    key_bulk.QUARANTINE: "Wake",
}
UNDONE = {
    key_bulk.EXTEND_30: "back to the former end",
    key_bulk.EXTEND_90: "back to the former end",
    key_bulk.NARROW: "back to the former scopes",
    key_bulk.QUARANTINE: "woken",
}


def keys(number: int) -> str:
    return f"{number:,} key{'s' * (number != 1)}"


def question(action: str, number: int) -> str:
    """ "Revoke 2 keys?", "Extend 1 key by 30 days?"."""
    verb, _, days = BUTTONS[action].rstrip("…").partition(" ")
    return f"{verb} {keys(number)}{f' by {days}' if days else ''}?"


def phrase(number: int) -> str:
    """What is typed before keys are revoked."""
    return f"revoke {keys(number)}"


def rules(policy: Policy) -> dict[str, str]:
    never = f"made {min(30, policy.unused_days)} days ago and never used"
    return {
        key_review.UNUSED: f"Not used for {policy.unused_days} days, or {never}.",
        key_review.EXPIRING: "Expire within 14 days.",
        key_review.ROTATION: f"Have a secret that is older than {policy.rotation_days} days.",
        key_review.LEFT: "Made by somebody who left, or who no longer manages keys, and may still have them.",
        key_review.WIDE: f"Hold scopes that they do not use. The {key_review.LOOKED_AT} keys used last are looked at.",
        key_review.CALLED: "Something still sends a secret that was revoked or replaced, or has expired.",
    }


def why(section: str, each: Candidate, policy: Policy) -> str:
    """Why a key is in a section, and since when."""
    key, since = each.key, each.since
    day = format.day(since) if since else ""
    if section == key_review.UNUSED:
        return f"Not used since {day}." if key.last_used_at else f"Made {day}, never used."
    if section == key_review.EXPIRING:
        return f"Expires {format.in_days(key.expires_at).lower()}, on {format.day(key.expires_at)}."
    if section == key_review.ROTATION:
        return f"Its secret is from {day}, due since {format.day(since + policy.rotation_after)}." if since else ""
    if section == key_review.LEFT:
        gone = (
            ("no longer manages keys", "has not managed keys")
            if key.creator_id
            else ("is no longer here", "has not been here")
        )
        how = f"{gone[1]} since {day}" if since else gone[0]
        return f"{key.maker_name}, who made it{' with a key' if key.behind_name else ''}, {how}."
    if section == key_review.WIDE:
        return f"Not used since {day}: {', '.join(each.drop)}."
    return (
        f"{key_impact.calls(each.calls, each.calls)} with a secret that has ended{f', since {day}' if since else ''}."
    )


def breaks(found: Impact) -> str:
    """What would break without a key, by its calls of the last days."""
    days = key_impact.days(found.days)
    if not found.at_most:
        return f"No calls in the last {days}"
    return f"{key_impact.calls(found.at_least, found.at_most).capitalize()} in the last {days} would have failed"


def routes(found: Impact) -> str:
    """The route that would lose most calls, and how many others there are."""
    if not found.routes:
        return ""
    worst, others = found.routes[0], len(found.routes) - 1
    more = f", and {others} other route{'s' * (others != 1)}" if others else ""
    return f"{format.route(worst.request)} {key_impact.addresses(worst)}".strip() + more


def breaks_together(chosen: list[Candidate]) -> str:
    """The same for keys that are stopped in one go."""
    if not chosen:
        return ""
    days = key_impact.days(chosen[0].breaks.days)
    least, most = sum(each.breaks.at_least for each in chosen), sum(each.breaks.at_most for each in chosen)
    called = sum(each.breaks.at_most > 0 for each in chosen)
    if not called:
        return f"In the last {days} nothing would have failed without {'them' if len(chosen) > 1 else 'it'}."
    of_them = f" by {called} of them" if len(chosen) > 1 else ""
    return f"In the last {days} this would have refused {key_impact.calls(least, most)}{of_them}."


def becomes(action: str, each: Candidate, section: str, policy: Policy) -> str:
    """What an action does to one key, in the question before it."""
    if action in EXTENSIONS:
        end = key_bulk.extended(each.key, action)
        return f"Ends {format.day(each.key.expires_at)}, then {format.day(end)}." if end else ""
    if action == key_bulk.NARROW:
        return f"Keeps {', '.join(sorted(each.keep))}. Loses {', '.join(each.drop)}."
    return why(section, each, policy)


def became(action: str, outcome: Outcome) -> str:
    """What is true of one key after it."""
    key = outcome.key
    if key is not None and action in EXTENSIONS:
        return f"Ends {format.day(key.expires_at)}."
    return f"Keeps {', '.join(key.scopes.split())}." if key is not None and action == key_bulk.NARROW else ""


def told(done: int, left: int, did: str) -> str:
    """ "2 keys revoked, 1 left alone"."""
    said = f"{keys(done) if done else 'No key'} {did}"
    return f"{said}, {left:,} left alone" if left else said
