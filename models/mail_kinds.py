"""What mail can be about: each kind with its lane, its words in the settings, and who gets it."""

from dataclasses import dataclass

SECURITY, DIGEST = "security", "digest"


@dataclass(frozen=True, slots=True)
class Kind:
    """Security mail goes out at once and cannot be turned off by a person; the digest waits for their hour."""

    name: str
    title: str
    summary: str
    lane: str = DIGEST
    # Owners, and whoever made the key; else everybody who manages keys.
    for_owners: bool = False
    # Whether people choose it; what is not offered goes to whom it is about, whatever they chose.
    offered: bool = True


_ALL = (
    Kind("key_created", "New key", "Somebody created an API key.", SECURITY, for_owners=True),
    Kind("key_leaked", "Leaked key", "A key was found where it should not be, and what became of it.", SECURITY),
    Kind("dead_secret", "Dead secret in use", "Somebody calls with a secret that has ended.", SECURITY),
    Kind(
        "webhook_disabled",
        "Webhook disabled",
        "An endpoint failed for days, and is told nothing more.",
        SECURITY,
        for_owners=True,
    ),
    Kind("team_confirmation", "Confirmation", "Asks a team address whether it wants mail.", SECURITY, offered=False),
    Kind("expiring", "Expires soon", "14 days, 7 days and 1 day before a key ends."),
    Kind("expired", "Expired", "A key has reached its end."),
    Kind("unused", "Unused", "A key has not been used for long."),
    Kind("quarantined", "In quarantine", "An unused key was put aside, and is refused until it is woken."),
    Kind("cleaned_up", "Cleaned up", "A key that was put aside as unused is revoked."),
    Kind("rotation_due", "Rotation due", "A secret is older than the workspace wants."),
    Kind("maker_left", "Maker gone", "Whoever made a key left, or no longer manages keys."),
    Kind("weekly", "Last week", "Once a week: requests, failures, and what became of keys."),
)
KINDS = {kind.name: kind for kind in _ALL}
OFFERED = {kind.name: kind for kind in _ALL if kind.offered}
DIGESTS = tuple(kind.name for kind in _ALL if kind.lane == DIGEST)
SECURITIES = tuple(kind.name for kind in _ALL if kind.lane == SECURITY and kind.offered)
CONFIRMATION = "team_confirmation"


def title(name: str) -> str:
    """Also for a kind that a later version promised."""
    return KINDS[name].title if name in KINDS else name.replace("_", " ").capitalize()
