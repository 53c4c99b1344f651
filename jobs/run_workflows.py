"""Carry out the runs of workflows that are due."""

from models import WorkflowRun

# Short enough for other jobs to have their turn, long enough for many runs.
SECONDS = 5.0


def run() -> str:
    runs, steps = WorkflowRun.advance_all(seconds=SECONDS)
    return f"took {steps} steps of {runs} runs" if runs else ""
