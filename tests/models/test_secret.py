"""The secret of a key: its form, and that it never shows itself."""

import copy
import hmac
import json
import pickle
import re
import traceback
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Template

from models import secret
from models.database import CROCKFORD
from models.secret import FORM, Pepper, Secret
from tests.support import ledger

PEPPERS = [Pepper("1", b"p" * 32), Pepper("2", b"q" * 32)]


def test_a_secret_has_the_form_that_scanners_look_for() -> None:
    for _ in range(2000):
        text = secret.generate().reveal()
        assert re.fullmatch(r"gr_[0-9abcdefghjkmnpqrstvwxyz]{20}", text)
        assert re.search(r"[0-9]", text.removeprefix("gr_"))


def test_secrets_do_not_repeat_and_use_every_character_alike() -> None:
    texts = [secret.generate().reveal() for _ in range(3000)]
    counts = Counter("".join(text.removeprefix("gr_") for text in texts))
    expected = 3000 * 20 / 32
    # Chi-squared with 31 degrees of freedom passes 80 once in about 300,000 runs.
    assert sum((counts[char] - expected) ** 2 / expected for char in CROCKFORD) < 80
    assert len(set(texts)) == 3000


@pytest.mark.parametrize(
    "text",
    [
        "GR_0123456789abcdefghjk", "gr_0123456789ABCDEFGHJK", "gr_0123456789abcdefghji", "gr_0123456789abcdefghjl",
        "gr_0123456789abcdefghjo", "gr_0123456789abcdefghju", "gr_0123456789abcdefghj", "gr_0123456789abcdefghjkm",
        "gr_0123456789abcdefghjk\n", " gr_0123456789abcdefghjk", "gr_²³23456789abcdefghjk", "gr_٠١23456789abcdefghjk",
        "gr_０123456789abcdefghjk", "gr-0123456789abcdefghjk", "", "gr_", "\u200bgr_0123456789abcdefghjk",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_key_is_none(text: str) -> None:
    assert not FORM.fullmatch(text)


@pytest.mark.parametrize(
    "show",
    [
        str, repr, ascii, lambda s: f"{s}", lambda s: f"{s!r:>40}", lambda s: f"{s:>40}",
        lambda s: "%s %r".__mod__((s, s)), lambda s: f"{s:x^30}", lambda s: repr([s, (s,), {"s": s}]),
        lambda s: json.dumps(s, default=str), lambda s: Template("{{ s }} {{ s|string }} {{ s|e }}").render(s=s),
        lambda s: str(ValueError(s)),
    ],
)  # fmt: skip
def test_a_secret_shows_only_its_mask(show: Callable[[Any], str]) -> None:
    made = secret.generate()
    shown = show(made)
    assert "gr_…" in shown or "gr_\\u2026" in shown
    assert made.reveal()[3:] not in shown


@pytest.mark.parametrize("store", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, vars])
def test_a_secret_is_not_copied_or_stored(store: Callable[[Any], Any]) -> None:
    made = secret.generate()
    with pytest.raises(TypeError) as refusal:
        store(made)
    assert made.reveal() not in str(refusal.value)


def test_a_traceback_with_locals_shows_no_secret() -> None:
    made = secret.generate()
    try:
        raise RuntimeError(f"failed with {made}")
    except RuntimeError as problem:
        told = "".join(traceback.TracebackException.from_exception(problem, capture_locals=True).format())
    assert "made = <Secret gr_…>" in told
    assert made.reveal() not in told


def test_a_pepper_does_not_show_itself() -> None:
    pepper = Pepper("1", ledger.fresh("pepper").encode())
    assert pepper.key.decode() not in f"{pepper} {pepper!r}"


def test_what_lists_show_leaves_out_the_middle() -> None:
    made = Secret("gr_4k7n0000000000000y1x")
    assert (made.start, made.end) == ("4k7n", "1x")
    assert "gr_" + made.start + made.middle + made.end == made.reveal()
    assert len(made.middle) == 14


@given(st.text(), st.text())
def test_digests_differ_by_text_and_by_pepper(one: str, other: str) -> None:
    digests = {secret.digest(text, pepper) for text in {one, other} for pepper in PEPPERS}
    assert len(digests) == 2 * len({one, other})
    assert {len(digest) for digest in digests} == {32}


@given(st.binary(min_size=1, max_size=200), st.text(max_size=40).filter(str.isascii))
def test_the_digest_is_the_hmac_of_the_standard_library(key: bytes, text: str) -> None:
    assert secret.digest(text, Pepper("1", key)) == hmac.digest(key, text.encode(), "sha256")
