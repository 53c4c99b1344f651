"""`make fuzz`: random requests, and chains of them, from the OpenAPI document against the real server.

schemathesis looks for answers that are no good (500), not in the document (status, media type, headers), not of the
declared shape, or that let in what the document refuses. A failure prints the curl line that shows it.

make fuzz                     every check, many examples
EXAMPLES=500 make fuzz        more of them
"""

import contextlib
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.support import artifacts, servers
from tests.support.servers import Server

# Chains get a run of their own: after the others, their seeds lead to few requests that were not sent before.
PHASES = ("examples,coverage,fuzzing", "stateful")
ADDRESSES = ("198.18.0.1", "198.18.0.2")
# More than the longest page.
DECOYS = 110
EXAMPLES = int(os.environ.get("EXAMPLES", "150"))


class Found(NamedTuple):
    """What came of it: 0 when nothing was wrong, and what there is to read."""

    returncode: int
    text: str

    @property
    def links(self) -> int:
        """How many of the links between operations were followed."""
        told = re.search(r"API Links: +(\d+) covered", self.text)
        assert told, self.text
        return int(told[1])


def run(server: Server, *, examples: int, seed: int, folder: Path) -> Found:
    """Fuzz a server with an admin key of a fresh workspace; the same seed asks the same questions."""
    owner = server.owner("Fuzzed", plan="enterprise")
    # Older than the key that asks, so that it meets them in lists, and never ends itself.
    for _ in range(DECOYS):
        server.key(owner)
    keys = {name: server.key(owner, scopes={"admin:workspace"})[1] for name in ("NARROWED", "READ", "KEY")}
    (folder / "schemathesis.toml").write_text(CONFIGURATION.format(workspace=owner.workspace.id))
    # The key goes by the environment: the arguments of a process are for all to see.
    environ = os.environ | {f"FUZZ_{name}": secret for name, secret in keys.items()}
    (folder / "hooks.py").write_text(HOOKS)
    environ |= {"PYTHONPATH": str(folder), "SCHEMATHESIS_HOOKS": "hooks"}
    rounds = [
        # Each probes every operation with a bad credential, and one address is soon told that those were too many.
        _round(server, phases, examples, seed, folder, environ | {"FUZZ_PHASES": phases, "FUZZ_ADDRESS": address})
        for phases, address in zip(PHASES, ADDRESSES, strict=True)
    ]
    status = server.get("/api/v2/key", headers={"Authorization": f"Bearer {keys['KEY']}"}).status_code
    if status != 200:
        raise RuntimeError(f"the key that asks was lost on the way: {status}")
    return Found(max(each.returncode for each in rounds), "\n".join(each.stdout + each.stderr for each in rounds))


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A server that believes what it is told of a client's address."""
    url = f"sqlite:///{folder}/gravity.db"
    with servers.running("fuzz", folder / "data", url, GRAVITY_TRUSTED_PROXIES="1") as server:
        yield server


def _round(
    server: Server, phases: str, examples: int, seed: int, folder: Path, environ: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "--config-file", str(folder / "schemathesis.toml"),
        "run", f"{server.base_url}/api/v2/openapi.json",
        "--phases", phases,
        "--max-examples", str(examples),
        "--seed", str(seed),
        "--suppress-health-check", "all",
        "--no-color",
    ]  # fmt: skip
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)


# The repeat of a POST answers with what it made, even when that was removed meanwhile, and a chain would miss it.
HOOKS = """
import os

import schemathesis


@schemathesis.hook
def before_call(ctx, case, kwargs):
    if os.environ["FUZZ_PHASES"] == "stateful":
        case.headers.pop("Idempotency-Key", None)
"""

# The workspace is given, because a random one is never the key's.
CONFIGURATION = """
headers = {{ Authorization = "Bearer ${{FUZZ_KEY}}", X-Forwarded-For = "${{FUZZ_ADDRESS}}" }}

[parameters]
workspace_id = "{workspace}"

# For rules that no schema can hold, such as whether an address is taken or a cursor is one of ours.
[checks]
positive_data_acceptance.expected-statuses = ["2xx", 400, 401, 403, 404, 409, 412, 422, 429, 503]

# The links of the document alone: those that are guessed besides are many times as many, and lead nowhere mostly.
[phases.stateful]
max-steps = 20
inference.algorithms = []

# What narrows or names the key in use gets one of its own, so that all else is asked with all rights.
[[operations]]
include-name = "PATCH /api/v2/key"
headers = {{ Authorization = "Bearer ${{FUZZ_NARROWED}}" }}

[[operations]]
include-name = "GET /api/v2/key"
headers = {{ Authorization = "Bearer ${{FUZZ_READ}}" }}
"""


def main() -> None:
    artifacts.claim()
    seed = int(os.environ.get("SEED", random.randrange(10**6)))
    sys.stdout.write(f"{EXAMPLES} examples for each operation, seed {seed}\n")
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server:
        done = run(server, examples=EXAMPLES, seed=seed, folder=Path(folder))
    sys.stdout.write(done.text)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
