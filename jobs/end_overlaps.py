"""Note in the history of keys which overlaps of rotations are over."""

from models import key_overlaps, usage_fold


def run() -> str:
    # So that the last uses are known.
    usage_fold.fold()
    ended = key_overlaps.close_all()
    return f"{ended} overlap{'s' * (ended != 1)} over" if ended else ""
