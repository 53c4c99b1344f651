"""Delete what nobody can use any more."""

from models import AuditEvent, BrowserSession, IdempotentAnswer, Invitation, Throttle, WorkflowRun


def run() -> str:
    sessions, invitations, counters = BrowserSession.purge(), Invitation.purge(), Throttle.purge()
    answers, runs = IdempotentAnswer.purge(), WorkflowRun.purge()
    gone = [f"{sessions} sessions", f"{invitations} invitations", f"{counters} counters", f"{answers} kept answers"]
    return "deleted " + ", ".join([*gone, f"{runs} runs", f"{AuditEvent.purge()} audit events"])
