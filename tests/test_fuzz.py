"""The API and its OpenAPI document agree, whatever is sent: a short round of what `make fuzz` does for long."""

from pathlib import Path

import pytest

from tests import fuzz
from tests.support.servers import Server

EXAMPLES, SEED = 12, 20261123


def test_random_requests_find_nothing_that_is_not_documented(server: Server, tmp_path: Path) -> None:
    done = fuzz.run(server, examples=EXAMPLES, seed=SEED, folder=tmp_path)
    if done.returncode:
        pytest.fail(done.stdout[-8000:] + done.stderr[-2000:], pytrace=False)
    assert "Stateful" in done.stdout, done.stdout
