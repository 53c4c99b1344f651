"""What can be set, called or asked is written down, and each part of the product has its tests."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from flask import Flask

ROOT = Path(__file__).parent.parent
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
WRITTEN = "\n".join(path.read_text() for path in DOCUMENTS if path.parent != ROOT or path.name == "README.md")
LINK = re.compile(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)")
# Files that CONTRIBUTING.md has somebody make.
TO_BE_MADE = ("things", "what_it_does")


# Tests that are named after what people do.
BY_FEATURE = {"home": "test_start", "sessions": "test_sign_in"}


def settings() -> set[str]:
    text = "\n".join(path.read_text() for path in (*ROOT.glob("models/*.py"), *ROOT.glob("jobs/*.py"), ROOT / "app.py"))
    return set(re.findall(r"GRAVITY_[A-Z]+(?:_[A-Z]+)*", text)) | {"PORT"}


def modules(folder: str) -> Iterator[str]:
    """The modules that answer requests."""
    for path in sorted((ROOT / folder).glob("*.py")):
        if re.search(r"Blueprint\(|add_routes", path.read_text()) and path.stem != "__init__":
            yield path.stem


def commands(group: click.Group, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")
        else:
            yield before + name


@pytest.mark.parametrize("name", sorted(settings()))
def test_each_setting_is_documented(name: str) -> None:
    assert re.search(rf"\b{name}\b", WRITTEN)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_each_address_of_the_api_is_documented(app: Flask) -> None:
    paths = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule) for rule in app.url_map.iter_rules() if "/api/" in rule.rule
    }
    assert paths
    assert not sorted(path for path in paths if path.removeprefix("/api/v2") not in WRITTEN)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_each_command_is_documented(app: Flask) -> None:
    ours = [name for name in commands(app.cli) if " " in name]
    assert "db migrate" in ours
    assert not [name for name in ours if f"flask {name}" not in WRITTEN]


def test_each_error_code_is_documented() -> None:
    text = (ROOT / "models" / "errors.py").read_text() + (ROOT / "views" / "errors.py").read_text()
    codes = set(re.findall(r'\d{3}: "([a-z_]+)"', text)) | set(
        re.findall(r'"([a-z_]+_(?:key|limit|scope|allowed))"', text)
    )
    assert "invalid_key" in codes
    assert not sorted(code for code in codes if code not in WRITTEN)


@pytest.mark.parametrize(("folder", "before"), [("views", "test_"), ("views/api", "test_api_")])
def test_each_module_that_answers_has_tests_of_its_name(folder: str, before: str) -> None:
    names = [path.stem for path in (ROOT / "tests").rglob("test_*.py")]
    wanted = {module: BY_FEATURE.get(module, before + module) for module in modules(folder)}
    assert not [module for module, start in wanted.items() if not any(name.startswith(start) for name in names)]


def test_each_module_of_the_models_is_on_the_map_once() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    table = text.split("## Where to look in `models/`")[1].split("\n## ")[0]
    named = [name for row in table.splitlines() if row.startswith("| ") for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(path.stem for path in (ROOT / "models").glob("[!_]*.py"))


def test_no_document_names_a_file_that_is_not_there() -> None:
    text = "\n".join(path.read_text() for path in DOCUMENTS)
    named = set(re.findall(r"`((?:models|views|jobs|tests|templates|static|docs)/[\w/.-]+\.\w+)`", text))
    missing = {name for name in named if not (ROOT / name).exists()}
    assert not sorted(name for name in missing if not any(each in name for each in TO_BE_MADE))


def headings(document: Path) -> set[str]:
    """The anchors of its headings, as forges make them."""
    found = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_link_between_documents_leads_somewhere(document: Path) -> None:
    for file, anchor in LINK.findall(document.read_text()):
        target = document.parent / file if file else document
        assert target.exists(), file
        assert not anchor or anchor in headings(target), f"{file}#{anchor}"


def test_each_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = (folder / "README.md").read_text()
    for path in folder.glob("0*.md"):
        number, title = path.read_text().partition("\n")[0].removeprefix("# ").split(". ", 1)
        assert f"- {number}: [{title}]({path.name})" in listed
        assert int(path.name[:4]) == int(number)
