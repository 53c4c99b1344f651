"""A new key like another one: the same settings as far as the plan and the policy allow, under a name that is free."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

from models import scope
from models.api_key import ApiKey
from models.key_settings import LONGEST_NAME, KeySettings
from models.policy import Limits

HOUR = timedelta(hours=1)
USUAL = timedelta(days=90)
ENDING = re.compile(r" copy( \d+)?$")


def like(key: ApiKey, limits: Limits, moment: datetime) -> KeySettings:
    """The settings for a copy: as long a life as the key was given, and no start of its own."""
    settings, plan = key.settings, limits.plan
    life = _life(key, limits)
    return replace(
        settings,
        name=_free_name(key.workspace_id, key.name),
        scopes=settings.scopes if plan.admin_keys else settings.scopes - {scope.ADMIN},
        networks=settings.networks if plan.allowlists else (),
        starts_at=None,
        expires_at=None if life is None else moment + life,
    )


def _life(key: ApiKey, limits: Limits) -> timedelta | None:
    """In whole hours: a key for 30 days was made a moment after the form said when it ends."""
    if key.expires_at is None:
        return limits.longest_life or (USUAL if limits.must_end else None)
    life = HOUR * max(1, round((key.expires_at - key.created_at) / HOUR))
    return life if limits.longest_life is None else min(life, limits.longest_life)


def _free_name(workspace_id: str, name: str) -> str:
    base = ENDING.sub("", name)
    for number in count(1):
        ending = " copy" if number == 1 else f" copy {number}"
        candidate = base[: LONGEST_NAME - len(ending)].rstrip() + ending
        if not ApiKey.has_live_name(workspace_id, candidate):
            return candidate
    raise AssertionError("there is always another number")
