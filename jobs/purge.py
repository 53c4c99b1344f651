"""Delete what nobody can use any more."""

from models import BrowserSession, Invitation, Throttle


def run() -> str:
    sessions, invitations, counters = BrowserSession.purge(), Invitation.purge(), Throttle.purge()
    return f"deleted {sessions} sessions, {invitations} invitations, {counters} counters"
