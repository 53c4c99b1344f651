"""Revoking every key that one person made, from the members' page and while removing them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from models import ApiKey, Member, key_makers
from models.database import now
from tests.support.cast import Person, joined
from tests.support.clients import Browser
from tests.support.key_pages import let_password_age_after_sign_in, ticked, words
from tests.support.keys import actions, reread, works

Browse = Callable[[Person], Browser]
MakeKey = Callable[..., tuple[ApiKey, str]]

NAME = "Olga Ladyzhenskaya"


def path(person: Person, member: Member) -> str:
    return person.settings(f"members/{member.id}/revoke-keys")


def revoke(browser: Browser, person: Person, member: Member, **changed: Any) -> Any:
    form = {"reason": "leaked", "note": "Laptop stolen", "confirm": member.name} | changed
    return browser.post(path(person, member), form)


def test_all_working_keys_of_a_person_end_together(
    ada: Person, olga: Person, browse: Browse, make_key: MakeKey
) -> None:
    theirs = [make_key(olga) for _ in range(3)]
    paused, _ = make_key(olga)
    paused.disable(by=ada.actor)
    mine = make_key(ada)
    assert revoke(browse(ada), ada, olga.member).status_code == 303
    assert f"4 keys made by {NAME} are revoked." in words(browse(ada).get(ada.settings("members")))
    assert not any(works(text) for _, text in theirs)
    assert works(mine[1])
    for key, _ in theirs:
        found = reread(key)
        assert (found.revoked_by, found.revoke_reason) == ("Ada Byron", "leaked")
        assert actions(key) == ["api_key.created", "api_key.revoked"]
    assert reread(paused).revoked_at is not None
    assert Member.get_or_none(Member.id == olga.member.id)


def test_what_ended_before_keeps_its_story(ada: Person, olga: Person, browse: Browse, make_key: MakeKey) -> None:
    before, _ = make_key(olga)
    before.revoke(by=olga.actor, reason="unneeded")
    make_key(olga)
    revoke(browse(ada), ada, olga.member)
    assert "1 key made by" in words(browse(ada).get(ada.settings("members")))
    assert (reread(before).revoked_by, reread(before).revoke_reason) == (NAME, "unneeded")


def test_the_dialog_lists_them_by_last_use(ada: Person, olga: Person, browse: Browse, make_key: MakeKey) -> None:
    for days, name in ((3, "Third"), (1, "First"), (2, "Second")):
        key, _ = make_key(olga, name=name)
        used = now() - timedelta(days=days)
        ApiKey.update(last_used_at=used, last_used_address="192.0.2.77").where(ApiKey.id == key.id).execute()
    make_key(olga, name="Idle")
    make_key(ada, name="Mine")
    shown = words(browse(ada).get(path(ada, olga.member)))
    places = [shown.index(name) for name in ("First", "Second", "Third", "Idle")]
    assert places == sorted(places)
    assert "Mine" not in shown and "192.0.2.77" in shown and "Never used" in shown
    assert '<option selected value="leaked">' in browse(ada).get(path(ada, olga.member)).text
    assert "Revoke all 4 keys made by Olga Ladyzhenskaya?" in shown


def test_many_keys_are_counted_and_some_are_named(ada: Person, olga: Person, browse: Browse, make_key: MakeKey) -> None:
    for _ in range(22):
        make_key(olga)
    shown = browse(ada).get(path(ada, olga.member))
    assert shown.text.count('class="keytag"') == 20
    assert "And 2 more" in words(shown)


@pytest.mark.parametrize("confirm", ["", "olga", "OLGA LADYZHENSKAYA", "Ada Byron"])
def test_the_name_must_be_typed(ada: Person, olga: Person, browse: Browse, make_key: MakeKey, confirm: str) -> None:
    _, text = make_key(olga)
    answer = revoke(browse(ada), ada, olga.member, confirm=confirm, remove="y")
    assert answer.status_code == 422
    assert "Type the name exactly as it is shown." in answer.text
    assert ticked(answer, "remove")
    assert works(text)
    assert Member.get_or_none(Member.id == olga.member.id)


@pytest.mark.parametrize("wrong", [{"reason": "because"}, {"note": "x" * 201}])
def test_a_reason_that_is_none_ends_nothing(
    ada: Person, olga: Person, browse: Browse, make_key: MakeKey, wrong: dict[str, str]
) -> None:
    texts = [make_key(olga)[1] for _ in range(2)]
    assert revoke(browse(ada), ada, olga.member, **wrong).status_code == 422
    assert all(map(works, texts))


def test_it_asks_for_the_password(ada: Person, olga: Person, browse: Browse, make_key: MakeKey) -> None:
    _, text = make_key(olga)
    let_password_age_after_sign_in(ada, browse)
    assert revoke(browse(ada), ada, olga.member).status_code == 403
    assert works(text)
    assert revoke(browse(ada), ada, olga.member, password_again=ada.password).status_code == 303
    assert not works(text)


def test_it_is_offered_where_there_are_keys(
    ada: Person, olga: Person, bob: Person, browse: Browse, make_key: MakeKey
) -> None:
    assert "revoke-keys" not in browse(ada).get(ada.settings("members")).text
    make_key(olga)
    assert "Revoke the key they made…" in browse(ada).get(ada.settings("members")).text
    make_key(olga)
    assert "Revoke all 2 keys they made…" in browse(ada).get(ada.settings("members")).text
    assert "revoke-keys" not in browse(bob).get(bob.settings("members")).text


def test_an_admin_ends_the_keys_of_an_owner_and_removes_nobody(
    ada: Person, olga: Person, browse: Browse, make_key: MakeKey
) -> None:
    _, text = make_key(ada)
    shown = browse(olga).get(path(olga, ada.member)).text
    assert path(olga, ada.member) in browse(olga).get(olga.settings("members")).text
    assert 'name="remove"' not in shown
    assert revoke(browse(olga), olga, ada.member, remove="y").status_code == 403
    assert works(text)
    assert revoke(browse(olga), olga, ada.member).status_code == 303
    assert not works(text)


def test_without_a_key_there_is_nothing_to_do(ada: Person, bob: Person, browse: Browse) -> None:
    shown = browse(ada).get(path(ada, bob.member))
    assert "Nothing to revoke" in words(shown)
    assert 'type="submit">Revoke' not in shown.text


# While removing


def test_the_keys_of_whoever_is_removed_can_end_with_it(
    ada: Person, olga: Person, browse: Browse, make_key: MakeKey
) -> None:
    key, text = make_key(olga)
    dialog = browse(ada).get(ada.settings(f"members/{olga.member.id}/remove")).text
    assert f'{path(ada, olga.member)}?remove=y&amp;reason=left"' in dialog
    shown = browse(ada).get(f"{path(ada, olga.member)}?remove=y&reason=left&confirm=x")
    assert ticked(shown, "remove") == {"y"} and '<option selected value="left">' in shown.text
    assert revoke(browse(ada), ada, olga.member, reason="left", remove="y").status_code == 303
    assert f"1 key made by {NAME} is revoked. {NAME} is removed." in words(browse(ada).get(ada.settings("members")))
    assert not works(text)
    assert Member.get_or_none(Member.id == olga.member.id) is None
    assert reread(key).revoke_reason == "left"


def test_what_cannot_be_done_whole_is_not_done_at_all(ada: Person, browse: Browse, make_key: MakeKey) -> None:
    _, text = make_key(ada)
    answer = revoke(browse(ada), ada, ada.member, remove="y")
    assert answer.status_code == 409
    assert "A workspace keeps at least one owner." in answer.text
    assert works(text)


def test_a_failure_half_way_leaves_everything_as_it_was(
    ada: Person, olga: Person, browse: Browse, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [make_key(olga)[1] for _ in range(3)]
    real, calls = ApiKey.revoke, []

    def breaks(key: ApiKey, **kwargs: Any) -> None:
        calls.append(key.id)
        if len(calls) == 3:
            raise RuntimeError("the light went out")
        real(key, **kwargs)

    monkeypatch.setattr(ApiKey, "revoke", breaks)
    assert revoke(browse(ada), ada, olga.member).status_code == 500
    assert len(calls) == 3
    assert all(map(works, texts))


def test_strangers_and_members_end_nothing(
    ada: Person, olga: Person, bob: Person, mallory: Person, browse: Browse, make_key: MakeKey
) -> None:
    _, text = make_key(olga)
    assert browse(mallory).get(path(ada, olga.member)).status_code == 404
    assert revoke(browse(mallory), ada, olga.member).status_code == 404
    assert revoke(browse(mallory), mallory, olga.member).status_code == 404
    assert browse(bob).get(path(ada, olga.member)).status_code == 403
    assert revoke(browse(bob), ada, olga.member).status_code == 403
    assert works(text)


def test_counts_are_of_the_workspace_alone(ada: Person, olga: Person, mallory: Person, make_key: MakeKey) -> None:
    for person in (ada, olga, olga, mallory):
        make_key(person)
    made, _ = make_key(olga)
    made.revoke(by=ada.actor)
    joined(ada.workspace, "Emmy Noether", "admin")
    assert key_makers.counts(ada.workspace.id, now()) == {ada.member.id: 1, olga.member.id: 2}
