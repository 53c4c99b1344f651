"""The scopes: what each covers, and how they are stored."""

from hypothesis import given
from hypothesis import strategies as st

from models import scope

chosen = st.frozensets(st.sampled_from(sorted(scope.SCOPES)))


def test_the_scopes_are_those_of_the_contract() -> None:
    assert list(scope.SCOPES) == [
        "read:members", "write:members", "read:chats", "write:chats", "read:data", "write:data", "write:workflows",
        "admin:workspace",
    ]  # fmt: skip


@given(chosen, st.sampled_from(sorted(scope.SCOPES)))
def test_a_scope_covers_itself_alone_unless_it_is_admin(granted: frozenset[str], wanted: str) -> None:
    assert scope.covers(granted, wanted) == (wanted in granted or scope.ADMIN in granted)


def test_writing_does_not_include_reading() -> None:
    assert not scope.covers(frozenset({"write:members"}), "read:members")


@given(st.text())
def test_no_scopes_cover_nothing(wanted: str) -> None:
    assert not scope.covers(frozenset(), wanted)


@given(chosen)
def test_stored_scopes_come_back(granted: frozenset[str]) -> None:
    assert scope.parse(scope.join(granted)) == granted


@given(st.permutations(sorted(scope.SCOPES)))
def test_stored_scopes_have_one_order(names: list[str]) -> None:
    assert scope.join(names).split() == list(scope.SCOPES)


def test_presets_give_scopes_that_exist_and_never_admin() -> None:
    for preset in scope.PRESETS:
        assert set(preset.scopes) <= set(scope.SCOPES) - {scope.ADMIN}
        assert scope.preset(preset.slug) is preset
    assert scope.preset("no-such-preset") is None


def test_each_resource_of_the_form_has_scopes() -> None:
    named = {resource for resource, _, _ in scope.RESOURCES}
    assert named == {each.resource for each in scope.SCOPES.values()} - {"workspace"}
