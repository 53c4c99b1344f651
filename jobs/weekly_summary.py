"""Promise the summary of the week that is over."""

from models import weekly


def run() -> str:
    promised = weekly.promise_all()
    return f"workspaces summed up: {promised}" if promised else ""
