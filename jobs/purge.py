"""Delete what nobody can use any more."""

from models import BrowserSession, IdempotentAnswer, Invitation, Throttle


def run() -> str:
    sessions, invitations, counters = BrowserSession.purge(), Invitation.purge(), Throttle.purge()
    answers = IdempotentAnswer.purge()
    return f"deleted {sessions} sessions, {invitations} invitations, {counters} counters, {answers} kept answers"
