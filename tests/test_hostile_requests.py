"""Requests that no client of good will sends, over raw sockets to the real server."""

import re
from collections.abc import Iterator

import pytest

from models import secret as secrets_of_keys
from tests.support.cast import Person
from tests.support.processes import until_complete
from tests.support.raw import ask, send
from tests.support.remote import Dashboard
from tests.support.servers import Server

ZERO_WIDTH, NO_BREAK, BOM = "\u200b".encode(), "\u00a0".encode(), "\ufeff".encode()


@pytest.fixture(scope="module")
def ada(server: Server) -> Person:
    return server.owner()


@pytest.fixture(scope="module")
def key(server: Server, ada: Person) -> bytes:
    return server.key(ada, name="Hostile", scopes={"read:members", "write:members"})[1].encode()


@pytest.fixture(autouse=True)
def _the_server_lives_on(server: Server) -> Iterator[None]:
    """After each test the same processes answer, and nothing broke inside."""
    before, size = until_complete(server), server.log.stat().st_size
    yield
    assert server.get("/healthz").status_code == 200
    assert server.pids() == before
    said = server.log.read_bytes()[size:]
    assert b"Traceback" not in said and b"unexpected error" not in said


@pytest.mark.parametrize("scheme", [b"Bearer ", b"bearer ", b"BEARER ", b"bEaReR ", b"Bearer    ", b" Bearer "])
def test_the_scheme_is_read_in_any_case_and_with_any_blanks(
    server: Server, ada: Person, key: bytes, scheme: bytes
) -> None:
    assert ask(server, ada.api(), b"Authorization: " + scheme + key)[0] == 200
    assert ask(server, ada.api(), b"authorization:" + scheme + key + b"  ")[0] == 200


@pytest.mark.parametrize(
    "value",
    [
        b"", b"KEY", b"BearerKEY", b"Bearer: KEY", b"Token KEY", b"Basic KEY", b"Basic Z3JfOg==", b"Digest KEY",
        b"Bearer", b"Bearer ", b"Bearer\tKEY", b"Bearer\x0bKEY", b"Bearer a=b", b"Bearer token=KEY", b"Bearer KEY=",
        b"Bearer KEY KEY", b"Bearer KEY,KEY", b"Bearer KEY, Bearer KEY", b'Bearer "KEY"', b"Bearer 'KEY'",
        b"Bearer KEY;", b"Bearer " + NO_BREAK + b"KEY", b"Bearer " + ZERO_WIDTH + b"KEY", b"Bearer " + BOM + b"KEY",
        b"Bearer KEY" + ZERO_WIDTH, b"Bearer \xff\xfe", b"Bearer " + "gr_²³".encode(),
    ],
)  # fmt: skip
def test_what_is_not_exactly_one_token_is_refused(server: Server, ada: Person, key: bytes, value: bytes) -> None:
    status, answer = ask(server, ada.api(), b"Authorization: " + value.replace(b"KEY", key))
    assert status in (400, 401)
    assert key not in answer


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key.upper(), lambda key: b"GR_" + key[3:], lambda key: b"gr-" + key[3:], lambda key: key[3:],
        lambda key: key[:-1], lambda key: key + b"0", lambda key: key + b".", lambda key: key[:3] + b" " + key[3:],
        *(lambda key, last=last: key[:-1] + last for last in (b"i", b"L", b"o", b"u")),
    ],
)  # fmt: skip
def test_a_key_is_compared_as_it_is(server: Server, ada: Person, key: bytes, change: "object") -> None:
    status, answer = ask(server, ada.api(), b"Authorization: Bearer " + change(key))  # type: ignore[operator]
    assert status in (400, 401)
    assert b"WWW-Authenticate" in answer or b"www-authenticate" in answer


def test_two_authorization_headers_are_refused_whatever_they_hold(server: Server, ada: Person, key: bytes) -> None:
    good, bad = b"Authorization: Bearer " + key, b"Authorization: Bearer gr_00000000000000000000"
    for pair in (
        (good, good),
        (good, bad),
        (bad, good),
        (good, b"Authorization: Basic eDp5"),
        (b"Authorization: x", good),
    ):
        assert ask(server, ada.api(), *pair)[0] in (400, 401)


@pytest.mark.parametrize("field", ["access_token", "api_key", "key"])
def test_a_key_in_the_address_is_never_used(server: Server, ada: Person, key: bytes, field: str) -> None:
    path = f"{ada.api()}?{field}={key.decode()}"
    for headers in ((), (b"Authorization: Bearer " + key,)):
        status, answer = ask(server, path, *headers)
        assert status == 400 and b'"invalid_request"' in answer
        assert key not in answer


@pytest.mark.parametrize("field", ["access_token", "api_key", "key"])
def test_a_key_in_the_body_is_refused(server: Server, ada: Person, key: bytes, field: str) -> None:
    bodies = {
        b"application/json": b'{"%s": "%s"}' % (field.encode(), key),
        b"application/x-www-form-urlencoded": b"%s=%s" % (field.encode(), key),
    }
    for kind, body in bodies.items():
        headers = (b"Authorization: Bearer " + key, b"Content-Type: " + kind, b"Content-Length: %d" % len(body))
        status, answer = ask(server, ada.api(), *headers, method="POST", body=body)
        assert status == 400 and key not in answer


@pytest.mark.parametrize("size", [5_000, 9_000, 60_000, 400_000, 1_000_000])
def test_an_oversized_credential_is_refused(server: Server, ada: Person, size: int) -> None:
    assert ask(server, ada.api(), b"Authorization: Bearer " + b"a" * size)[0] in (0, 400, 401, 431)


def test_a_thousand_headers_are_refused_or_harmless(server: Server, ada: Person, key: bytes) -> None:
    many = [b"X-Header-%d: x" % number for number in range(1000)]
    assert ask(server, ada.api(), *many)[0] in (0, 400, 401, 431)
    assert ask(server, "/login", *many[:50])[0] == 200


@pytest.mark.parametrize(
    "line",
    [
        b"Authorization: Bearer KEY\x00", b"Authorization: Bearer \x00KEY", b"Authorization: Bearer KEY\rX: y",
        b"Authorization: Bearer\r\n KEY", b"Authorization : Bearer KEY", b"\x00Authorization: Bearer KEY",
        b"Authorization Bearer KEY", b": Bearer KEY", b"Host: evil.example", b"Transfer-Encoding: chunked",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"Content-Length: 1\r\nContent-Length: 2",
        b"Content-Length: -1", b"Content-Length: ten",
    ],
)  # fmt: skip
def test_a_malformed_request_reaches_no_view(server: Server, ada: Person, key: bytes, line: bytes) -> None:
    raw = line.replace(b"KEY", key)
    more = () if b"Authorization" in line or b": Bearer" in line else (b"Authorization: Bearer " + key,)
    status, answer = ask(server, ada.api(), *more, raw, method="POST" if b"-" in line else "GET", body=b"0\r\n\r\n")
    assert status in (0, 400, 401, 411, 415)
    assert key not in answer


@pytest.mark.parametrize(
    "host", ["evil.example", "", "127.0.0.1.evil.example", "a b", "localhost@evil.example", "%00", "[::1"]
)
def test_a_foreign_host_is_refused(server: Server, host: str) -> None:
    for path in ("/login", "/api/v2/key"):
        raw = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        status, answer = send(server, raw)
        assert status in (0, 400), path
        assert b"evil.example" not in answer


def test_a_request_without_a_host_is_refused(server: Server) -> None:
    assert send(server, b"GET /login HTTP/1.1\r\nConnection: close\r\n\r\n")[0] in (0, 400)
    assert send(server, b"GET /login HTTP/1.0\r\n\r\n")[0] in (0, 400)


def test_a_forwarded_host_changes_no_link(server: Server) -> None:
    forwarded = (b"X-Forwarded-Host: evil.example", b"X-Forwarded-Proto: https", b"Forwarded: host=evil.example")
    for path in ("/", "/login", "/api/v2/openapi.json"):
        assert b"evil.example" not in ask(server, path, *forwarded)[1]


@pytest.mark.parametrize(
    "forwarded", [b"127.0.0.1", b"192.0.2.7", b"192.0.2.7, 127.0.0.1", b"::ffff:192.0.2.7", b"unix:"]
)
def test_a_forged_address_passes_no_allowlist(server: Server, ada: Person, forwarded: bytes) -> None:
    _, text = server.key(ada, networks=("192.0.2.7",))
    for name in (b"X-Forwarded-For", b"X_Forwarded_For", b"X-Real-IP", b"Forwarded", b"Client-IP"):
        status, answer = ask(server, ada.api(), b"Authorization: Bearer " + text.encode(), name + b": " + forwarded)
        assert status == 403 and b'"ip_not_allowed"' in answer


BROKEN_JSON = (
    b"{", b"[1, 2", b"null", b'"x"', b"\xff\xfe", b"[" * 5000, b'{"name": 1e999}', b'{"name": "\\ud800"}',
    b'{"name": ' + b"1" * 5000 + b"}", b'{"name": "\\u0000", "email": "a@example.com", "role": "contact"}',
)  # fmt: skip
OTHER_KINDS = (
    (b"{}", b"text/plain"), (b"<x/>", b"application/xml"), (b"a=b", b""), (b"--x", b"multipart/form-data; boundary=x"),
)  # fmt: skip


@pytest.mark.parametrize(("body", "kind"), [*((each, b"application/json") for each in BROKEN_JSON), *OTHER_KINDS])
def test_a_broken_body_is_a_mistake_of_the_client(
    server: Server, ada: Person, key: bytes, body: bytes, kind: bytes
) -> None:
    headers = (b"Authorization: Bearer " + key, b"Content-Type: " + kind, b"Content-Length: %d" % len(body))
    status, answer = ask(server, ada.api(), *headers, method="POST", body=body)
    assert status in (400, 415, 422)
    assert b"application/problem+json" in answer


def test_a_body_over_a_megabyte_is_refused(server: Server, ada: Person, key: bytes) -> None:
    headers = (b"Authorization: Bearer " + key, b"Content-Type: application/json", b"Content-Length: 2000000")
    assert ask(server, ada.api(), *headers, method="POST", body=b" " * 2_000_000)[0] in (0, 413)


@pytest.mark.parametrize(
    "method", ["HEAD", "OPTIONS", "TRACE", "PATCH", "PUT", "DELETE", "CONNECT", "PROPFIND", "get", "GET\tX"]
)
def test_other_methods_are_authenticated_or_refused(server: Server, ada: Person, key: bytes, method: str) -> None:
    for path in (ada.api(), "/api/v2/key", ada.settings(), "/login"):
        cross_site = (b"Origin: https://evil.example", b"Access-Control-Request-Method: GET")
        status, answer = ask(server, path, *cross_site, method=method)
        assert status < 500
        assert status not in (200, 204) or path == "/login"
        assert b"access-control-" not in answer.lower()
        if status == 405:
            assert b"\r\nallow: " in answer.lower()


def test_a_session_is_no_key_and_a_key_is_no_session(server: Server, ada: Person, key: bytes) -> None:
    with Dashboard(server, ada) as dashboard:
        answer = dashboard.get(ada.api())
        assert answer.status_code == 401 and "set-cookie" not in answer.headers
        assert dashboard.get(ada.settings()).status_code == 200
    status, page = ask(server, ada.settings(), b"Authorization: Bearer " + key)
    assert status == 302 and b"/login" in page


def test_the_api_sets_no_cookie_and_keeps_nothing_in_caches(server: Server, ada: Person, key: bytes) -> None:
    for headers in ((), (b"Authorization: Bearer " + key,), (b"Authorization: Bearer x",)):
        answer = ask(server, ada.api(), *headers)[1].lower()
        assert b"set-cookie" not in answer
        assert b"cache-control: no-store" in answer
        assert b"x-request-id: req_" in answer


def test_states_are_told_only_to_whoever_has_the_whole_secret(server: Server, ada: Person) -> None:
    revoked, text = server.key(ada)
    with server.models():
        revoked.revoke(by=ada.actor)
    known = ask(server, ada.api(), b"Authorization: Bearer " + text.encode())
    assert known[0] == 401 and b'"revoked_key"' in known[1]
    almost = text[:-1] + ("0" if text[-1] != "0" else "1")
    answers = {_body(ask(server, ada.api(), f"Authorization: Bearer {each}".encode())[1])
               for each in (almost, secrets_of_keys.generate().reveal(), "gr_nothing")}  # fmt: skip
    assert len(answers) == 1


def _body(answer: bytes) -> bytes:
    head, _, body = answer.partition(b"\r\n\r\n")
    varying = rb"(?im)^(date|x-request-id):.*$"
    return re.sub(varying, b"", head) + re.sub(rb'"request_id": ?"[^"]*"', b"", body)
