"""What a mail says of each fact: a sentence, some lines, and the link to the page where it can be mended."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from jobs.mail_parts import Item, Link, Place, clean, count
from models import cleanup, team_confirmation
from models.database import now
from models.incident_evidence import Evidence
from models.mail_kinds import CONFIRMATION
from models.mail_truth import Told

# The lane of the digest, most urgent first.
ORDER = ("expiring", "expired", "quarantined", "cleaned_up", "rotation_due", "maker_left", "unused", "weekly")
# Not about one key.
SUMMARY = "weekly"


def item(told: Told, place: Place) -> Item:
    return _ITEMS.get(told.notice.kind, _other)(told, place)


def _created(told: Told, place: Place) -> Item:
    facts = told.notice.facts
    rows = [
        ("Scopes", ", ".join(facts.get("scopes", ()))),
        ("Expires", _end(facts.get("expires_at"), place)),
        ("Allowlist", ", ".join(facts.get("networks", ())) or "Any address"),
        ("Created", place.time(told.notice.created_at)),
        ("From", facts.get("address") or ""),
    ]
    who = f"The key {clean(facts.get('by'))}" if facts.get("by_kind") == "key" else clean(facts.get("by"))
    links = (Link("See the key", place.key(told)), Link("Revoke it", place.key(told, "revoke")))
    return _item(told, f"{who} created this key.", links, rows)


def _leaked(told: Told, place: Place) -> Item:
    facts = told.notice.facts
    is_revoked = facts.get("outcome", "revoked") == "revoked"
    rows = [
        ("Revoked" if is_revoked else "Reported", place.time(told.notice.created_at)),
        ("By", facts.get("by") or ""),
        ("Found", facts.get("where") or ""),
        ("Note", facts.get("note") or ""),
    ]
    if is_revoked:
        sentence = "It leaked, so it is revoked. Requests with it are refused from now on."
        links = (Link("See what it did", place.key(told)), Link("Create a copy", place.key(told, "copy")))
        return _item(told, sentence, links, rows)
    if facts.get("outcome") == "dead":
        sentence = (
            "An old secret of it was found where anybody may read it. That one does not work any more, the one in "
            "use does. If you do not know how it got there, revoke the key."
        )
        links = (Link("Look at the key", place.key(told)), Link("Revoke it", place.key(told, "revoke")))
        head = ("Old secret of {} in {} was found in public", "An old secret was found in public")
        return _item(told, sentence, links, rows, head=head)
    sentence = "Its secret was found where anybody may read it, and still works. Rotate it now, or revoke it."
    links = (Link("Rotate it", place.key(told, "rotate")), Link("Revoke it", place.key(told, "revoke")))
    return _item(told, sentence, links, rows, head=("Leaked API key {} of {} still works", "A leaked key still works"))


def _dead_secret(told: Told, place: Place) -> Item:
    facts = told.notice.facts
    evidence = Evidence.read(facts.get("evidence", {}))
    rows = [
        # Of many places an incident tells only that there are more.
        ("From", "Many places" if facts.get("address") == "*" else facts.get("address") or ""),
        ("Client", "" if facts.get("client") == "*" else facts.get("client") or ""),
        ("Asked for", facts.get("request") or ""),
        ("First seen", place.time(told.notice.created_at)),
        ("Secret", evidence.of_secret(place.time)),
        ("Before", evidence.of_place(place.time)),
    ]
    links = [Link("See the calls", place.key(told))]
    did = "wants a new secret in exchange for one" if facts.get("wanted_rotation") else "calls with a secret"
    text = f"Somebody {did} that has ended, and is refused. It may be a program that was not updated, or a thief."
    if told.key and told.key.is_live(now()):
        links.append(Link("Revoke the key", place.key(told, "revoke")))
        text += " The key itself works on."
    return _item(told, text, tuple(links), rows)


def _expiring(told: Told, place: Place) -> Item:
    end, left = told.key.expires_at, _left(told.key.expires_at)
    sentence = f"Expires {left}, on {place.time(end)}. {_use(told, place)}"
    links = (Link("Extend", place.key(told, "edit")), Link("Open", place.key(told)))
    return _item(told, sentence, links, sort=end, head=(f"API key {{}} of {{}} expires {left}", ""))


def _expired(told: Told, place: Place) -> Item:
    end = told.key.expires_at
    sentence = f"Expired on {place.time(end)}. Requests with it are refused. {_use(told, place)}"
    return _item(told, sentence, (Link("Create a copy", place.key(told, "copy")),), sort=end)


def _unused(told: Told, place: Place) -> Item:
    made = place.day(told.key.created_at)
    sentence = _use(told, place) if told.key.last_used_at else f"Never used since it was created on {made}."
    if at := told.notice.facts.get("quarantine_at"):
        day = place.day(datetime.fromisoformat(at))
        sentence += f" It will be put in quarantine on {day}, unless it is used or kept before."
    keep = (Link("Keep it", place.key(told, "keep")),) if at else ()
    links = (Link("Revoke", place.key(told, "revoke")), *keep, Link("Open", place.key(told)))
    return _item(told, sentence, links, sort=told.key.last_used_at or told.key.created_at)


def _quarantined(told: Told, place: Place) -> Item:
    # Somebody may have spared it meanwhile or ended the clean-up, which does not wake it.
    end = cleanup.revoked_from(told.key) if told.workspace.policy.staged_cleanup else None
    what = f"will be revoked on {place.day(end)}, unless it" if end else "stays so until it"
    sentence = f"{_use(told, place)} Requests with it are refused. It {what} is woken."
    return _item(told, sentence, (Link("Wake it", place.key(told, "wake")), Link("Open", place.key(told))))


def _cleaned_up(told: Told, place: Place) -> Item:
    sentence = "Nobody woke it within 14 days of quarantine, so it is revoked."
    return _item(told, sentence, (Link("Create a copy", place.key(told, "copy")), Link("Open", place.key(told))))


def _rotation_due(told: Told, place: Place) -> Item:
    since = told.rotated_at or told.key.created_at
    sentence = f"Its secret is {count((now() - since).days, 'day')} old."
    return _item(told, sentence, (Link("Rotate", place.key(told, "rotate")), Link("Open", place.key(told))), sort=since)


def _maker_left(told: Told, place: Place) -> Item:
    how = "no longer manages keys" if told.key.creator_id else "is no longer here"
    sentence = f"{clean(told.key.maker_name)}, who made it, {how} and may still have its secret."
    return _item(told, sentence, (Link("Rotate", place.key(told, "rotate")), Link("Open", place.key(told))))


def _weekly(told: Told, place: Place) -> Item:
    facts = told.notice.facts
    monday = datetime.fromisoformat(facts["monday"])
    name = f"{monday:%b} {monday.day} to {monday + timedelta(days=6):%b} {(monday + timedelta(days=6)).day}"
    url = f"{place.base_url}/w/{told.workspace.id}/settings/plan"
    item = _item(told, "", (Link("See the usage", url),), list(_of_week(facts)), sort=monday)
    return replace(item, name=name)


def _of_week(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    requests, failed, before = facts["requests"], facts["failed"], facts["before"]
    change = round(100 * (requests - before) / before) if before else 0
    compared = f", {abs(change)} % {'more' if change >= 0 else 'fewer'} than the week before" if before else ""
    yield "Requests", f"{requests:,}{compared}"
    yield "Failed", f"{failed:,}, {100 * failed / requests:.1f} %" if requests else ""
    yield "Busiest", facts["busiest"]
    yield "Keys", " and ".join(f"{facts[what]:,} {what}" for what in ("created", "revoked") if facts[what])
    yield "Dead secrets", f"Used from {count(facts['incidents'], 'place')}" if facts["incidents"] else ""


def _webhook_disabled(told: Told, place: Place) -> Item:
    facts = told.notice.facts
    why = "It answered 410: it wants no more." if facts["reason"] == "gone" else "It accepted nothing for five days."
    sentence = f"{why} So it is disabled, and told nothing more. Enable it once it is mended."
    since = facts.get("failing_since")
    rows = [("Failing since", place.time(datetime.fromisoformat(since)) if since else "")]
    return _item(told, sentence, (Link("See its log", place.webhook(told.workspace.id, told.notice.subject)),), rows)


def _confirmation(told: Told, place: Place) -> Item:
    who, day = clean(told.notice.facts.get("by"), 60), place.day(now() + team_confirmation.LIFE)
    sentence = (
        f"{who} wants mail about the API keys of {clean(told.workspace.name, 60)} to come to this address. Nothing "
        f"else is sent here before somebody confirms that. The link works once, until {day}."
    )
    url = place.team_address(team_confirmation.fresh_token(told.notice.subject))
    return _item(told, sentence, (Link("Confirm or decline", url),))


def _other(told: Told, place: Place) -> Item:
    facts = told.notice.facts
    url = place.key(told) if told.notice.key_id else place.keys(told.workspace.id)
    return _item(told, str(facts.get("sentence", "")), (Link("Open", url),))


_ITEMS: dict[str, Callable[[Told, Place], Item]] = {
    "key_created": _created,
    "key_leaked": _leaked,
    "dead_secret": _dead_secret,
    "webhook_disabled": _webhook_disabled,
    CONFIRMATION: _confirmation,
    "expiring": _expiring,
    "expired": _expired,
    "unused": _unused,
    "quarantined": _quarantined,
    "cleaned_up": _cleaned_up,
    "rotation_due": _rotation_due,
    "maker_left": _maker_left,
    "weekly": _weekly,
}


def _item(
    told: Told,
    sentence: str,
    links: tuple[Link, ...],
    rows: list[tuple[str, str]] | None = None,
    sort: datetime | None = None,
    head: tuple[str, str] = ("", ""),
) -> Item:
    facts, key = told.notice.facts, told.key
    hint = facts.get("hint") or (key.hint if key else "")
    told_rows = tuple((label, clean(value)) for label, value in rows or () if value)
    return Item(_name(told), clean(sentence, 400), links, told_rows, hint, *head, sort=sort or told.notice.created_at)


def _name(told: Told) -> str:
    return clean(told.notice.facts.get("name") or (told.key and told.key.name) or "", 80)


def _use(told: Told, place: Place) -> str:
    return f"Last used on {place.day(told.key.last_used_at)}." if told.key.last_used_at else "Never used."


def _end(expires_at: str | None, place: Place) -> str:
    return place.time(datetime.fromisoformat(expires_at)) if expires_at else "No expiration"


def _left(moment: datetime) -> str:
    left = moment - now()
    if left >= timedelta(days=2):
        return f"in {count(left.days, 'day')}"
    if left >= timedelta(hours=1):
        return f"in {count(left // timedelta(hours=1), 'hour')}"
    return "within the hour"
