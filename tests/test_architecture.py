"""The rules of docs/architecture.md that a machine can keep."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("models", "views", "jobs", "tests")
FORBIDDEN = {
    "models": {"app", "flask", "flask_login", "flask_wtf", "jobs", "views", "werkzeug", "wtforms"},
    "views": {"app", "jobs"},
    "jobs": {"app", "views"},
}
# How a row is found and written is the business of its model.
ONLY_MODELS = {"select", "where", "get_or_none", "get_by_id", "execute", "execute_sql", "atomic", "save"}
LONGEST_FUNCTION = 40
LONGEST_FILE = 250


def python_files(*rooms: str) -> list[Path]:
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
    return found


def modules_imported(path: Path) -> set[str]:
    """The modules of ours that a file takes names from, also within its functions."""
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("room", FORBIDDEN)
def test_imports_point_inward(room: str) -> None:
    for path in python_files(room):
        assert not imports(path) & FORBIDDEN[room], path


@pytest.mark.parametrize("room", FORBIDDEN)
def test_no_module_comes_before_itself(room: str) -> None:
    """Nor by a detour through others, nor by an import that waits until a function is called."""
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in python_files(room)}
    before = {name: modules_imported(path) & names.keys() for name, path in names.items()}
    try:
        tuple(TopologicalSorter(before).static_order())
    except CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))


def test_nothing_imports_relatively() -> None:
    for path in python_files(*ROOMS):
        relative = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.ImportFrom) and node.level]
        assert not relative, path


def test_views_leave_queries_to_the_models() -> None:
    for path in python_files("views"):
        calls = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.Attribute)]
        queries = [f"{path}:{node.lineno} .{node.attr}" for node in calls if node.attr in ONLY_MODELS]
        assert not queries


def test_functions_fit_a_screen() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{each.lineno} {each.name}"
        for path in [ROOT / "app.py", *python_files(*ROOMS)]
        for each in functions(path)
        # A migration states its tables in one piece.
        if (each.end_lineno or 0) - each.lineno + 1 > LONGEST_FUNCTION and path.parent.name != "migrations"
    ]
    assert not long


def test_files_answer_one_question() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in python_files(*ROOMS)}
    assert not {str(path): lines for path, lines in lengths.items() if lines > LONGEST_FILE}


def test_modules_say_what_they_are_for() -> None:
    files = [path for path in python_files(*ROOMS) if path.read_text().strip()]
    assert not [path for path in files if not ast.get_docstring(parsed(path))]


def test_functions_of_the_models_have_types() -> None:
    untyped = []
    for path in python_files("models"):
        for each in functions(path):
            given = [*each.args.posonlyargs, *each.args.args, *each.args.kwonlyargs]
            bare = [arg.arg for arg in given if arg.annotation is None and arg.arg not in ("self", "cls")]
            if bare or each.returns is None:
                untyped.append(f"{path.relative_to(ROOT)}:{each.lineno} {each.name}")
    assert not untyped
