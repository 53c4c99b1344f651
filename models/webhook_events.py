"""What a webhook can be told of. The names are those of the audit trail."""

EVERYTHING = "*"
TEST = "webhook.test"
# Nouns whose every event, also one that is not listed yet, goes to those who asked for everything.
NOUNS = ("api_key.", "member.", "workspace.")

EVENTS = {
    "api_key.created": "A key was made",
    "api_key.edited": "Its name, note, dates or networks changed",
    "api_key.widened": "It was given more",
    "api_key.rotated": "It got a new secret",
    "api_key.rotation_finished": "Its old secret was stopped early",
    "api_key.rotation_extended": "Its old secret got more time",
    "api_key.rotation_undone": "Its old secret is the current one again, and the new one has stopped",
    "api_key.overlap_ended": "Its old secret has stopped, as the rotation said",
    "api_key.disabled": "It was disabled",
    "api_key.enabled": "It was enabled again",
    "api_key.expiring": "It ends in 14 days, 7 days or 1 day",
    "api_key.expired": "It has ended",
    "api_key.quarantined": "It is refused for now, since nothing used it",
    "api_key.revoked": "It was ended for good",
    "api_key.leaked": "It was found in public",
    "api_key.dead_secret_used": "Somebody called with a secret that has ended",
    "api_key.new_network": "It was used from a network for the first time",
    "member.added": "A person was added",
    "member.changed": "A person or their role changed",
    "member.removed": "A person was removed",
}


def wants(chosen: str, event: str) -> bool:
    """Whether the chosen events, as text, have this one among them."""
    if event == TEST:
        return True
    return event.startswith(NOUNS) if chosen == EVERYTHING else event in chosen.split()
