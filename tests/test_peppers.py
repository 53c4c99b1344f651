"""A pepper that does not fit the database stops the start instead of refusing everybody."""

from collections.abc import Callable

import pytest

from models import ApiKey, PepperCheck, secret, verification
from models.errors import Unavailable
from models.secret import Pepper
from tests.conftest import PEPPER
from tests.support import ledger
from tests.support.cast import Person

MakeKey = Callable[..., tuple[ApiKey, str]]


def test_the_same_peppers_are_held_again_and_again(ada: Person) -> None:
    PepperCheck.hold()
    PepperCheck.hold()
    assert [row.version for row in PepperCheck.select()] == [PEPPER.version]


def test_a_pepper_that_changed_under_its_version_is_refused(ada: Person, make_key: MakeKey) -> None:
    PepperCheck.hold()
    secret.use_peppers([Pepper(PEPPER.version, ledger.fresh("pepper").encode())])
    with pytest.raises(Unavailable, match="version 1 is not the pepper"):
        PepperCheck.hold()


def test_a_pepper_that_keys_still_need_cannot_be_left_out(ada: Person, make_key: MakeKey) -> None:
    _, text = make_key(ada)
    newer = Pepper("2", ledger.fresh("pepper").encode())
    secret.use_peppers([newer])
    with pytest.raises(Unavailable, match="lacks version 1"):
        PepperCheck.hold()
    secret.use_peppers([newer, PEPPER])
    PepperCheck.hold()
    verification.verify(text)
    secret.use_peppers([newer])
    PepperCheck.hold()
