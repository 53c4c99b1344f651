"""Quarantine: a key is put aside and refuses what is asked of it, until somebody who manages keys wakes it."""

from datetime import datetime
from typing import Any

from models import key_grant, key_settings
from models.actor import Actor
from models.database import now, transaction
from models.errors import Invalid


class KeyQuarantine:
    """The sleeping half of `ApiKey`, and what spares a key from the clean-up in stages."""

    workspace: Any
    flagged_at: Any
    quarantined_at: Any
    exempt_reason: Any
    _current: Any
    _must_be_live: Any
    _update: Any
    _record: Any

    def flag(self, *, by: Actor, quarantine_at: datetime) -> None:
        """Say that the key lies unused, and from when on the clean-up would refuse it."""
        with transaction():
            self.workspace.hold()
            self._update(flagged_at=now())
            self._record("api_key.flagged", by, quarantine_at=quarantine_at.isoformat())

    def unflag(self, *, by: Actor) -> None:
        with transaction():
            self.workspace.hold()
            self._update(flagged_at=None)
            self._record("api_key.unflagged", by)

    def quarantine(self, *, by: Actor) -> None:
        """Refuse the key until it is woken. To do it again changes nothing."""
        with transaction():
            self.workspace.hold()
            current, moment = self._current(), now()
            current._must_be_live(moment)
            if current.quarantined_at is None:
                self._update(quarantined_at=moment)
                self._record("api_key.quarantined", by)

    def wake(self, *, by: Actor) -> None:
        """Let the key work again, and begin the wait for a use anew."""
        with transaction():
            self.workspace.hold()
            current, moment = self._current(), now()
            current._must_be_live(moment)
            key_grant.may_hand_out(by, current.id, current.settings)
            if current.quarantined_at is not None or current.flagged_at is not None:
                self._update(quarantined_at=None, flagged_at=None, woken_at=moment)
                self._record("api_key.woken", by)

    def exempt(self, reason: str, *, by: Actor) -> None:
        """Spare the key from the clean-up in stages, and say why."""
        reason = key_settings.one_line(reason, "reason")
        if not reason:
            raise Invalid(reason="Say why the key is kept though nobody uses it.")
        with transaction():
            self.workspace.hold()
            current = self._current()
            current._must_be_live(now())
            if current.exempt_reason != reason:
                self._update(exempt_reason=reason, flagged_at=None)
                self._record("api_key.exempted", by, reason=reason)

    def end_exemption(self, *, by: Actor) -> None:
        """Let the clean-up see the key again. The wait for a use begins anew, and so does a quarantine."""
        with transaction():
            self.workspace.hold()
            if self._current().exempt_reason is not None:
                self._update(exempt_reason=None, woken_at=now())
                self._record("api_key.exemption_ended", by)
