"""What tells a forgotten deployment from a thief: which dead secret it is, and who used its key before."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from models import network
from models.api_key import ApiKey
from models.key_secret import KeySecret
from models.usage import NETWORKS, KeyNetwork, KeyPlace

# How the secret came to its end.
STOPPED, OVER, REVOKED, EXPIRED = "stopped", "over", "revoked", "expired"
# Who was seen before with a working secret of the key: this client at this address, anybody in its network, nobody.
CLIENT, NETWORK, NOBODY = "client", "network", "nobody"
MOMENTS = ("replaced_at", "ended_at", "seen_at")


@dataclass(frozen=True, slots=True)
class Evidence:
    """About the use of one dead secret from one place. What is not known is None, or empty."""

    secret: str = ""
    replaced_at: datetime | None = None
    ended: str = ""
    ended_at: datetime | None = None
    seen: str = ""
    # The last use by that client, or the first one from that network.
    seen_at: datetime | None = None
    network: str = ""

    @classmethod
    def read(cls, facts: dict[str, Any]) -> "Evidence":
        """From what `facts` made of it."""
        known = {name: facts[name] for name in cls.__slots__ if facts.get(name)}
        return cls(**known | {name: datetime.fromisoformat(known[name]) for name in MOMENTS if name in known})

    @property
    def facts(self) -> dict[str, str]:
        """What is known, as text, for a mail and for the history."""
        known = {name: value for name, value in asdict(self).items() if value}
        return {name: value.isoformat() if name in MOMENTS else value for name, value in known.items()}

    def of_secret(self, told: Callable[[datetime], str]) -> str:
        """Which secret it is and how it ended: "gr_4k7n…1x, replaced on Nov 3"."""
        replaced, ended = (moment and told(moment) for moment in (self.replaced_at, self.ended_at))
        steps = [f"replaced on {replaced}"] if replaced else []
        # A rotation without an overlap stops a secret as it replaces it.
        if ended and ended != replaced:
            steps.append(f"{self._ending} on {ended}")
        return ", ".join([self.secret, *steps])

    def of_place(self, told: Callable[[datetime], str]) -> str:
        """Whether the key was used from there before; empty where that is not known."""
        if self.seen == CLIENT and self.seen_at:
            return f"This client called from this address with a working secret, last on {told(self.seen_at)}."
        if self.seen == NETWORK and self.seen_at:
            return (
                f"The key was let in from another client or address in {self.network}, first on {told(self.seen_at)}."
            )
        return f"The key was never let in from {self.network}." if self.seen == NOBODY else ""

    @property
    def _ending(self) -> str:
        if self.ended == STOPPED:
            return "stopped" if self.replaced_at else "taken back by an undone rotation"
        return {OVER: "overlap over", REVOKED: "revoked with the key", EXPIRED: "expired with the key"}[self.ended]


def of(key: ApiKey, uses: Iterable[tuple[str, str, str]]) -> list[Evidence]:
    """The evidence about uses, each given by the id of the secret, the address and the client."""
    secrets = {row.id: row for row in KeySecret.select().where(KeySecret.key == key.id)}
    places: dict[tuple[str, str], datetime] = {}
    for place in KeyPlace.select().where(KeyPlace.key_id == key.id).order_by(KeyPlace.at):
        places[place.address, place.client] = place.at
    networks = {row.network: row.first_at for row in KeyNetwork.select().where(KeyNetwork.key_id == key.id)}
    return [
        Evidence(**_of_secret(secrets.get(secret_id), key), **_of_place(address, client, places, networks))
        for secret_id, address, client in uses
    ]


def _of_secret(secret: KeySecret | None, key: ApiKey) -> dict[str, Any]:
    if secret is None:
        return {}
    # Of two ends at one instant the key's own comes first.
    ends = [(key.revoked_at, REVOKED), (key.expires_at, EXPIRED), (secret.revoked_at, STOPPED), (secret.ends_at, OVER)]
    known = [(at, how) for at, how in ends if at is not None]
    ended_at, ended = min(known, key=lambda each: each[0], default=(None, ""))
    return {
        "secret": secret.hint, "replaced_at": secret.retired_at, "ended": ended, "ended_at": ended_at,
    }  # fmt: skip


def _of_place(
    address: str, client: str, places: dict[tuple[str, str], datetime], networks: dict[str, datetime]
) -> dict[str, Any]:
    if address == network.EVERYWHERE:
        return {}
    wide = network.wide_of(address)
    if (address, client) in places:
        return {"seen": CLIENT, "seen_at": places[address, client], "network": wide}
    if wide in networks:
        return {"seen": NETWORK, "seen_at": networks[wide], "network": wide}
    # Of a key that is used from everywhere not every network is remembered.
    return {"seen": NOBODY, "network": wide} if len(networks) < NETWORKS else {}
