"""A stranger's way in: a client is generated from the live OpenAPI document, and works."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from tests.support.cast import Person
from tests.support.servers import Server

PACKAGE = "gravity_rail_client"
# Formatting what is generated would need tools that a test need not run.
CONFIG = {"package_name_override": PACKAGE, "post_hooks": []}


@pytest.fixture(scope="module")
def generated(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The package that openapi-python-client makes of the document as the server tells it."""
    folder = tmp_path_factory.mktemp("client")
    document, config = folder / "openapi.json", folder / "config.json"
    document.write_bytes(server.get("/api/v2/openapi.json").content)
    config.write_text(json.dumps(CONFIG))
    command = ["generate", "--path", str(document), "--config", str(config), "--meta", "none"]
    command += ["--output-path", str(folder / PACKAGE)]
    done = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", *command, "--fail-on-warning"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield importlib.import_module(PACKAGE)
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture
def ada(server: Server) -> Person:
    return server.owner()


@pytest.fixture
def client(generated: ModuleType, server: Server, ada: Person) -> Iterator[Any]:
    _, secret = server.key(ada, scopes={"read:members", "write:members"})
    with generated.AuthenticatedClient(base_url=server.base_url, token=secret) as opened:
        yield opened


def operation(name: str, tag: str = "members") -> Any:
    return importlib.import_module(f"{PACKAGE}.api.{tag}.{name}")


def model(name: str) -> Any:
    return getattr(importlib.import_module(f"{PACKAGE}.models"), name)


def test_it_lists_members(client: Any, ada: Person) -> None:
    answer = operation("list_members").sync_detailed(ada.workspace.id, client=client, limit=5)
    assert answer.status_code == 200
    assert [each.id for each in answer.parsed.data] == [ada.member.id]
    assert answer.parsed.next_cursor is None


def test_it_creates_a_member_once_and_reads_it_back(client: Any, ada: Person) -> None:
    body = model("NewMember")(name="Grace Hopper", email="grace@example.com", role=model("NewMemberRole").MEMBER)
    made = [
        operation("create_member").sync(ada.workspace.id, client=client, body=body, idempotency_key="import-1")
        for _ in range(2)
    ]
    assert made[0].to_dict() == made[1].to_dict()
    found = operation("get_member").sync(ada.workspace.id, made[0].id, client=client)
    assert (found.name, found.role) == ("Grace Hopper", "member")
    assert len(operation("list_members").sync(ada.workspace.id, client=client).data) == 2


def test_a_refused_value_comes_back_as_a_problem_that_names_the_field(client: Any, ada: Person) -> None:
    body = model("NewMember")(name="Grace Hopper", email="not an address")
    problem = operation("create_member").sync(ada.workspace.id, client=client, body=body)
    assert isinstance(problem, model("Problem"))
    assert (problem.status, problem.code) == (422, "validation_failed")
    assert [each.field for each in problem.errors] == ["email"]


def test_a_bad_key_comes_back_as_a_problem(generated: ModuleType, server: Server, ada: Person) -> None:
    with generated.AuthenticatedClient(base_url=server.base_url, token="gr_not_a_key") as stranger:
        problem = operation("list_members").sync(ada.workspace.id, client=stranger)
    assert (problem.status, problem.code) == (401, "invalid_key")
