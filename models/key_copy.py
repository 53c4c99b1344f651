"""A new key like another one: the same settings as far as the plan allows, under a name that is free."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

from models import scope
from models.api_key import ApiKey
from models.key_settings import LONGEST_NAME, KeySettings
from models.plan import Plan

HOUR = timedelta(hours=1)
ENDING = re.compile(r" copy( \d+)?$")


def like(key: ApiKey, plan: Plan, moment: datetime) -> KeySettings:
    """The settings for a copy: as long a life as the key was given, and no start of its own."""
    settings = key.settings
    life = _life(key, plan)
    return replace(
        settings,
        name=_free_name(key.workspace_id, key.name),
        scopes=settings.scopes if plan.admin_keys else settings.scopes - {scope.ADMIN},
        networks=settings.networks if plan.allowlists else (),
        starts_at=None,
        expires_at=None if life is None else moment + life,
    )


def _life(key: ApiKey, plan: Plan) -> timedelta | None:
    """In whole hours: a key for 30 days was made a moment after the form said when it ends."""
    if key.expires_at is None:
        return plan.longest_life
    life = HOUR * max(1, round((key.expires_at - key.created_at) / HOUR))
    return life if plan.longest_life is None else min(life, plan.longest_life)


def _free_name(workspace_id: str, name: str) -> str:
    base = ENDING.sub("", name)
    for number in count(1):
        ending = " copy" if number == 1 else f" copy {number}"
        candidate = base[: LONGEST_NAME - len(ending)].rstrip() + ending
        if not ApiKey.has_live_name(workspace_id, candidate):
            return candidate
    raise AssertionError("there is always another number")
