"""Team addresses, as they are after somebody there has confirmed them."""

from collections.abc import Iterable

from models import TeamAddress
from models.database import now
from tests.support.cast import Person


def confirmed_team(person: Person, address: str, kinds: Iterable[str]) -> TeamAddress:
    team = TeamAddress.add(person.workspace, address, kinds, by=person.actor)
    TeamAddress.update(confirmed_at=now()).where(TeamAddress.id == team.id).execute()
    return team
