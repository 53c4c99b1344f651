"""Which addresses the server calls for somebody else: public ones alone, and the one that was checked."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from jobs import webhook_post
from models import outside
from models.errors import Invalid
from tests.support.receiver import receiving

PUBLIC = "https://hooks.example.com/in"


@pytest.fixture(autouse=True)
def in_production() -> Iterator[None]:
    outside.use(loopback=False)
    yield
    outside.use(loopback=False)


def answering(*texts: str) -> Any:
    def resolve(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in texts]

    return resolve


@pytest.mark.parametrize(
    "url",
    [
        "", "x", "hooks.example.com", "//hooks.example.com/", "http://hooks.example.com/", "ftp://hooks.example.com/",
        "file:///etc/passwd", "gopher://hooks.example.com/", "javascript:alert(1)", "https://", "https:///x",
        "https://user@hooks.example.com/", "https://user:word@hooks.example.com/", "https://@hooks.example.com/",
        "https://hooks.example.com:80/", "https://hooks.example.com:22/", "https://hooks.example.com:99999/",
        "https://hooks.example.com:x/", "https://hooks.example.com/#x", "https://hooks.example.com\\@127.0.0.1/",
        "https://hooks.example.com/a b", "https://hooks.example.com/\r\nHost: x", "https://hooks.example.com/\0",
        "https://hööks.example.com/", "https://localhost/", "https://localhost./", "https://intranet/", "https://x",
        "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0x7f.0.0.1/",
        "https://017700000001/", "https://0177.0.0.1/", "https://127.0.0.1./", "https://10.0.0.1/", "https://0/",
        "https://0.0.0.0/", "https://169.254.169.254/latest/meta-data/", "https://192.168.1.1/", "https://172.16.9.1/",
        "https://100.64.0.1/", "https://198.18.0.1/", "https://192.0.0.192/", "https://192.88.99.1/",
        "https://224.0.0.1/", "https://240.0.0.1/", "https://255.255.255.255/", "https://192.0.2.1/",
        "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:8.8.8.8]/",
        "https://[::127.0.0.1]/", "https://[::ffff:0:127.0.0.1]/", "https://[fe80::1]/", "https://[fe80::1%25eth0]/",
        "https://[fc00::1]/", "https://[fd00:ec2::254]/", "https://[fec0::1]/", "https://[ff02::1]/",
        "https://[2002:7f00:1::]/", "https://[2002:808:808::]/", "https://[64:ff9b::7f00:1]/",
        "https://[64:ff9b:1::a00:1]/", "https://[2001::1]/", "https://[2001:db8::1]/", "https://[100::1]/",
        "https://[5f00::1]/", "https://[::1", "https://[v1.x]/", "https://" + "a" * 64 + ".example.com/",
        "https://hooks.example.com/" + "a" * 2000, "https://a..example.com/", "https://-.example.com/",
    ],
)  # fmt: skip
def test_a_hostile_address_is_refused_by_its_form(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        outside.checked(url)
    assert set(refused.value.errors) == {"url"}
    asked: list[str] = []
    answer = webhook_post.post(url, {}, b"", resolve=lambda host, *_, **__: asked.append(host) or [])  # type: ignore[func-returns-value]
    assert answer.status is None
    assert not asked, "what is refused by its form is not even looked up"


@pytest.mark.parametrize(
    "url",
    [
        PUBLIC, "https://hooks.example.com", "https://hooks.example.com:443/", "https://hooks.example.com:8443/x?y=z",
        "https://HOOKS.Example.COM/", "https://8.8.8.8/", "https://[2606:4700::1111]/", "https://xn--hks-rla.example/",
        "https://10.example.com/", "https://a_b.example.com/",
    ],
)  # fmt: skip
def test_a_public_address_is_taken(url: str) -> None:
    assert outside.checked(url).tls


@pytest.mark.parametrize(
    "texts",
    [
        ["127.0.0.1"], ["10.1.2.3"], ["169.254.169.254"], ["100.100.100.200"], ["192.168.0.1"], ["0.0.0.0"],  # noqa: S104 none is bound
        ["224.0.0.1"], ["255.255.255.255"], ["::1"], ["::"], ["fe80::1%eth0"], ["fe80::1"], ["fd00::1"], ["ff02::1"],
        ["::ffff:10.0.0.1"], ["::ffff:8.8.8.8"], ["2002:a00:1::"], ["64:ff9b::a00:1"], ["64:ff9b::808:808"],
        ["::10.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["2606:4700::1111", "::1"], ["not an address"], [],
    ],
)  # fmt: skip
def test_a_name_that_leads_inside_is_not_called(texts: list[str]) -> None:
    with pytest.raises(outside.Unreachable) as refused:
        outside.addresses(outside.checked(PUBLIC), answering(*texts))
    # A person must not learn from it what the names inside lead to.
    assert not any(text in str(refused.value) for text in texts)


def test_a_public_name_leads_to_its_addresses() -> None:
    texts = ["8.8.8.8", "2606:4700::1111"]
    assert outside.addresses(outside.checked(PUBLIC), answering(*texts)) == texts


def test_a_name_that_is_not_known_is_said_to_be() -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "x")

    assert "not known" in webhook_post.post(PUBLIC, {}, b"", resolve=unknown).error


def test_a_name_that_changes_its_mind_is_asked_once_a_call() -> None:
    """DNS rebinding: the first answer is public, the second leads inside. There is no second question."""
    outside.use(loopback=True)
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    asked: list[str] = []

    def rebinding(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        asked.append(host)
        return [(socket.AF_INET, 1, 6, "", (text, port)) for text in next(answers)]

    with receiving() as receiver:
        url = f"http://localhost:{receiver.port}/in"
        # It listens at 127.0.0.1 alone, so a second look-up would have nobody answer.
        assert webhook_post.post(url, {}, b"{}", resolve=rebinding).status == 200
        assert receiver.got[0].headers["host"] == f"localhost:{receiver.port}"
        assert asked == ["localhost"]
        assert webhook_post.post(url, {}, b"{}", resolve=rebinding).status is None
        assert len(receiver.got) == 1
    outside.use(loopback=False)
    inside = answering("127.0.0.1")
    answer = webhook_post.post(PUBLIC, {}, b"{}", resolve=inside)
    assert answer.status is None
    assert "not public" in answer.error


def test_in_development_this_machine_is_called_and_no_other_one_without_tls() -> None:
    outside.use(loopback=True)
    assert not outside.checked("http://localhost:8000/x").tls
    for url in ("http://hooks.example.com/", "http://10.0.0.1/", "http://169.254.169.254/"):
        with pytest.raises(Invalid):
            outside.checked(url)
    with pytest.raises(outside.Unreachable):
        outside.addresses(outside.checked("http://localhost:8000/"), answering("10.0.0.1"))
    with pytest.raises(outside.Unreachable):
        outside.addresses(outside.checked(PUBLIC), answering("127.0.0.1"))
