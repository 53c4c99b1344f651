"""Rotation: a key gets a new secret, and the old one works on while its clients change over.

See docs/decisions/0013-rotation.md.
"""

from datetime import datetime, timedelta
from typing import Any

from models import key_grant, secret
from models.actor import Actor
from models.database import now, transaction
from models.errors import Conflict, Invalid
from models.key_secret import KeySecret
from models.policy import Policy
from models.secret import Secret
from models.workspace import Workspace

OVERLAPS = {
    "none": timedelta(0),
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
}
UNKNOWN = "Choose none, 1h, 24h or 7d."
ROTATED = "This key was rotated in the meantime. Look at it again before you rotate it."
REPLACED_ALREADY = (
    "This secret was replaced, and only the current one can rotate its key. If the new one was lost, let somebody who "
    "manages keys undo that rotation."
)
STILL_RETIRING = (
    "The secret before the current one still works. End that overlap or undo that rotation first, "
    "or rotate without an overlap, which stops both."
)
NOT_RETIRING = "No old secret of this key works. Nothing was changed."
STOPPED = "The old secret has stopped working in the meantime. Nothing was changed."
REPLACED = (
    "This secret was replaced. It cannot give itself more time, or come back: the current one can, and people can."
)
LATER = "Choose a later end: the old secret works until then already."


class KeyRotation:
    """The turning half of `ApiKey`: at any moment it has one current secret and at most one that retires."""

    id: Any
    workspace: Any
    expires_at: Any
    _current: Any
    _must_be_live: Any
    _update: Any
    _record: Any

    def rotate(
        self, *, by: Actor, overlap: str = "none", seen: str | None = None, form_id: str | None = None
    ) -> Secret:
        """A new secret for the same key. The old one works on for the overlap, but no longer than `end_of` lets it.

        `seen` is the id of the secret that was current when the caller decided: of two who rotate at once,
        one gets `Conflict`.
        """
        made = secret.generate()
        with transaction():
            self.workspace.hold()
            KeySecret.refuse_repeat(form_id)
            key, moment = self._current(), now()
            key._must_be_live(moment)
            key_grant.may_hand_out(by, self.id, key.settings)
            old, retiring = KeySecret.current_of(self.id), KeySecret.retiring_of(self.id, moment)
            if seen is not None and seen != old.id:
                raise Conflict(REPLACED_ALREADY if by.id == self.id else ROTATED)
            end = self._end(overlap, moment, key.expires_at, began=moment)
            if retiring and end is not None:
                raise Conflict(STILL_RETIRING)
            if retiring:
                retiring.put(revoked_at=moment)
            # The hint besides, for a secret that is older than its column.
            hint = {"hint_start": key.hint_start, "hint_end": key.hint_end}
            old.put(retired_at=moment, ends_at=end, revoked_at=None if end else moment, **hint)
            KeySecret.add(self, made, form_id)
            self._update(hint_start=made.start, hint_end=made.end)
            stopped = {"also_stopped": retiring.hint} if retiring else {}
            self._record("api_key.rotated", by, old=old.hint, ends_at=end and end.isoformat(), **stopped)
        return made

    def finish_rotation(self, *, by: Actor, seen: str | None = None) -> None:
        """Stop the old secret before its overlap is over."""
        with transaction():
            self.workspace.hold()
            moment = now()
            old = self._retiring(seen, moment)
            old.put(revoked_at=moment)
            self._record("api_key.rotation_finished", by, old=old.hint)

    def extend_rotation(self, *, by: Actor, overlap: str, seen: str | None = None, sent: str | None = None) -> datetime:
        """Let the old secret work until this long from now; returns the end, which is no later than `end_of` lets it.

        `sent` is the id of the secret that a key which acts was let in with: one that retires does not act for itself.
        """
        with transaction():
            self.workspace.hold()
            moment = now()
            old = self._retiring(seen, moment, sent)
            key = self._current()
            key_grant.may_hand_out(by, self.id, key.settings)
            end = self._end(overlap, moment, key.expires_at, began=old.retired_at)
            if end is None or end <= old.ends_at:
                raise Invalid(overlap=LATER)
            before = old.ends_at.isoformat()
            old.put(ends_at=end)
            self._record("api_key.rotation_extended", by, old=old.hint, before=before, ends_at=end.isoformat())
        return end

    def undo_rotation(self, *, by: Actor, seen: str | None = None, sent: str | None = None) -> None:
        """Make the old secret the current one again, while it works. The new one stops at once."""
        with transaction():
            self.workspace.hold()
            moment = now()
            old, new = self._retiring(seen, moment, sent), KeySecret.current_of(self.id)
            key_grant.may_hand_out(by, self.id, self._current().settings)
            # First, since a key has one current secret.
            new.put(revoked_at=moment)
            old.put(retired_at=None, ends_at=None)
            self._update(hint_start=old.hint_start, hint_end=old.hint_end)
            self._record("api_key.rotation_undone", by, old=old.hint, stopped=new.hint)

    def _retiring(self, seen: str | None, moment: datetime, sent: str | None = None) -> KeySecret:
        """The secret that retires, inside the transaction; `Conflict` when there is none, or another than was seen."""
        self._current()._must_be_live(moment)
        old = KeySecret.retiring_of(self.id, moment)
        if old is None or (seen is not None and seen != old.id):
            raise Conflict(NOT_RETIRING if seen is None else STOPPED)
        if sent == old.id:
            raise Conflict(REPLACED)
        return old

    def _end(self, overlap: str, moment: datetime, expires_at: datetime | None, began: datetime) -> datetime | None:
        if overlap not in OVERLAPS:
            raise Invalid(overlap=UNKNOWN)
        policy = Workspace.get_by_id(self.workspace.id).policy
        return end_of(overlap, moment, expires_at, policy, began) if OVERLAPS[overlap] else None


def end_of(overlap: str, moment: datetime, expires_at: datetime | None, policy: Policy, began: datetime) -> datetime:
    """When a secret that was replaced when the overlap `began` stops, if it is to work this long from now.

    It outlives neither its key nor what the policy lets any key have from now on, and it is gone when the secret that
    took its place is due for rotation itself.
    """
    longest = None if policy.longest_life is None else moment + policy.longest_life
    ends = (moment + OVERLAPS[overlap], began + policy.rotation_after, expires_at, longest)
    return min(end for end in ends if end is not None)
