"""The API and its OpenAPI document agree, whatever is sent: a short round of what `make fuzz` does for long."""

from pathlib import Path

import pytest

from tests import fuzz

EXAMPLES, SEED = 12, 20261123
# Of the 34 or so. Which of them depends on ids that the server draws, and so is not the same in each run.
FEWEST_LINKS = 5


def test_random_requests_find_nothing_that_is_not_documented(tmp_path: Path) -> None:
    with fuzz.serving(tmp_path) as server:
        done = fuzz.run(server, examples=EXAMPLES, seed=SEED, folder=tmp_path)
    if done.returncode:
        pytest.fail(done.text[-8000:], pytrace=False)
    assert done.links >= FEWEST_LINKS, done.text
