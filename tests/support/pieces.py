"""What each piece of the hot path costs by itself, in microseconds of CPU."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from models import database, rate_limit, usage_fold, usage_journal, verification
from models.usage_journal import ACCEPTED, Use

CALLS, TURNS = 5_000, 5


def costs(key: str) -> str:
    """One line a piece: verify → scope → limit → count, and what the scheduler does later for each request."""
    credential = verification.verify(key)
    moment = database.now_microseconds()
    standing = rate_limit.spend(credential, moment)
    use = Use(
        moment, credential.key_id, credential.secret_id, "read:members", ACCEPTED, 200,
        "GET /api/v2/w/<workspace_id>/members", "192.0.2.7", "python-httpx/0.28.1",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        usage_journal.use(Path(folder))
        lines = {
            "verify the secret (a kept row)": _each(lambda: verification.verify(key)),
            "check the scope": _each(lambda: credential.may("read:members")),
            "count against both limits": _each(lambda: rate_limit.spend(credential, moment)),
            "write the RateLimit fields": _each(lambda: rate_limit.fields(standing, credential.plan, moment)),
            "record the use": _each(lambda: usage_journal.write(use)),
        }
        began = time.process_time()
        folded = usage_fold.fold(seconds=60).requests
        lines["later, in the scheduler: fold a use"] = (time.process_time() - began) / folded * 1e6
    return "\n".join(f"  {name:38} {each:6.2f} us" for name, each in lines.items())


def _each(call: Callable[[], object]) -> float:
    """The quickest of some turns: what disturbs one can only make it slower."""
    best = float("inf")
    for _ in range(TURNS):
        began = time.process_time()
        for _ in range(CALLS):
            call()
        best = min(best, (time.process_time() - began) / CALLS * 1e6)
    return best
