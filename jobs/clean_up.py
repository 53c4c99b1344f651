"""Clean unused keys up in stages, in the workspaces that want it."""

from models import cleanup, usage_fold


def run() -> str:
    # What was used just now, or while no scheduler ran, is known before anything is put aside.
    usage_fold.fold()
    return ", ".join(f"{name}: {number}" for name, number in cleanup.run().items())
