"""Add what the workers wrote down of each request to the counts in the database."""

from models import usage_fold


def run() -> str:
    folded = usage_fold.fold()
    return f"folded {folded.requests} requests" if folded.requests else ""
