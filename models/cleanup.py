"""Clean-up in stages, where the policy wants it: unused keys are flagged, 14 days later put aside, then revoked.

A use ends it at the first stage, and waking at any. A key that is put aside and still called is not revoked until the
calls have ceased for as long as that stage lasts. Lacking an expiration is no reason for anything here.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from models import apart, key_list, outbox
from models.actor import SYSTEM
from models.api_key import ApiKey
from models.database import now, transaction
from models.policy import Policy
from models.workspace import Workspace

STAGE = timedelta(days=14)
BATCH = 100


def run() -> Counter[str]:
    """Move each key at most one stage on. Returns how many were moved where."""
    return +sum(apart.each(Workspace.each(), _run_in), Counter())


def _run_in(workspace: Workspace) -> Counter[str]:
    done: Counter[str] = Counter()
    if workspace.policy.staged_cleanup:
        for name, (condition, act) in _stages(workspace.policy, now()).items():
            done[name] += sum(_act(key, condition, act) for key in _found(workspace.id, condition))
    return done


def due(workspace: Workspace, policy: Policy, moment: datetime) -> Any:
    """The keys that the first run under this policy would flag, as a query: for the report before it is switched on."""
    return ApiKey.active(workspace.id, moment).where(_to_flag(policy, moment))


def revoked_from(key: ApiKey) -> datetime | None:
    """When a key that is put aside would be revoked, if nothing calls it and nobody wakes it."""
    if key.quarantined_at is None or key.exempt_reason is not None or key.disabled_at is not None:
        return None
    since = (key.quarantined_at, key.last_used_at, key.woken_at)
    return max(each for each in since if each is not None) + STAGE


def aside(workspace: Workspace, moment: datetime) -> Any:
    """The keys in quarantine that would be revoked after the days of that stage, as a query: for the same report."""
    return ApiKey.active(workspace.id, moment).where(ApiKey.quarantined_at.is_null(False), _undecided())


def switch(workspace_id: str, *, on: bool) -> None:
    """Begin anew, in the transaction at hand: what was put aside before has its days from now on."""
    keys = ApiKey.workspace == workspace_id
    if on:
        ApiKey.update(woken_at=now()).where(keys, ApiKey.quarantined_at.is_null(False)).execute()
    else:
        # What was flagged is only unused now. What was put aside waits for somebody.
        ApiKey.update(flagged_at=None).where(keys).execute()


def _stages(policy: Policy, moment: datetime) -> dict[str, tuple[Any, Callable[[ApiKey], None]]]:
    """From the last one to the first, so that a key does not run through all of them at once."""
    unused, old = key_list.unused(policy, moment), moment - STAGE
    awake, waited = ApiKey.quarantined_at.is_null(), key_list.not_woken_since(old)
    called = ApiKey.last_used_at.is_null(False) & (ApiKey.last_used_at > old)
    return {
        "revoked": (_undecided() & (ApiKey.quarantined_at <= old) & waited & ~called, _revoke),
        "quarantined": (_undecided() & awake & (ApiKey.flagged_at <= old) & unused, _quarantine),
        "no longer flagged": (awake & ApiKey.flagged_at.is_null(False) & ~unused, _unflag),
        "flagged": (_to_flag(policy, moment), _flag),
    }


def _to_flag(policy: Policy, moment: datetime) -> Any:
    begun = ApiKey.flagged_at.is_null(False) | ApiKey.quarantined_at.is_null(False)
    return key_list.unused(policy, moment) & _undecided() & ~begun


def _undecided() -> Any:
    """Neither spared for a reason nor disabled, which is a decision of its own."""
    return ApiKey.exempt_reason.is_null() & ApiKey.disabled_at.is_null()


def _found(workspace_id: str, condition: Any) -> Iterator[ApiKey]:
    last = ""
    while True:
        query = ApiKey.active(workspace_id, now()).where(condition, ApiKey.id > last)
        keys = list(query.order_by(ApiKey.id).limit(BATCH))
        yield from keys
        if len(keys) < BATCH:
            return
        last = keys[-1].id


def _act(key: ApiKey, condition: Any, act: Callable[[ApiKey], None]) -> bool:
    """Do it, if it is still to be done once nobody else can change the key or its workspace."""
    with transaction():
        key.workspace.hold()
        if not Workspace.get_by_id(key.workspace_id).policy.staged_cleanup:
            return False
        current = ApiKey.active(key.workspace_id, now()).where(condition, ApiKey.id == key.id).get_or_none()
        if current is None:
            return False
        act(current)
    return True


def _flag(key: ApiKey) -> None:
    at = now() + STAGE
    key.flag(by=SYSTEM, quarantine_at=at)
    # The day besides: that nobody uses the key may have been told before, when nothing was to come of it.
    _tell("unused", key, f"+{at.date().isoformat()}", quarantine_at=at)


def _unflag(key: ApiKey) -> None:
    key.unflag(by=SYSTEM)


def _quarantine(key: ApiKey) -> None:
    key.quarantine(by=SYSTEM)
    _tell("quarantined", key)


def _revoke(key: ApiKey) -> None:
    key.revoke(by=SYSTEM, reason="unneeded", note="Clean-up: put aside as unused, and nobody woke it.")
    _tell("cleaned_up", key)


def _tell(kind: str, key: ApiKey, what: str = "", **moments: datetime) -> None:
    facts = {name: moment.isoformat() for name, moment in moments.items()}
    threshold = f"{key.idle_since.isoformat()}{what}/"
    outbox.promise(kind, key.workspace_id, key.id, threshold, key=key, facts={"name": key.name, **facts})
