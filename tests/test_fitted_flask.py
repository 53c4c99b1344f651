"""What was fitted of Flask does what Flask does: each request here is answered by both, and must be answered alike."""

from typing import Any

import pytest
from flask import Blueprint, Flask, Response, abort, g, request, session, url_for

from views.application import Answer, Application

PATHS = (
    "/", "/plain", "/inner/thing", "/inner/outer/thing", "/stopped", "/missing", "/crash", "/inner/refused", "/slash",
    "/slash/", "//plain", "/inner//thing", "/named/caf%C3%A9", "/named/a%2Fb", "/named/%FF", "/session", "/empty",
    "/list", "/link", "/here?x=%C3%A9",
)  # fmt: skip
HOSTS = ("localhost", "Example.COM:8080", "example.com:80", "bad host", "[::1]:5000", "exa\u00e4mple.com", "")


def told(word: str) -> None:
    g.setdefault("told", []).append(word)


def fill(app: Flask) -> Flask:
    """Hooks of every kind, on the application, a blueprint and one inside it; views of every kind."""
    app.secret_key = "for this test"
    inner = Blueprint("inner", __name__, url_prefix="/inner")
    outer = Blueprint("outer", __name__, url_prefix="/outer")
    for name, where in (("app", app), ("inner", inner), ("outer", outer)):
        _hook(name, where)
    for path, where in (("/plain", app), ("/thing", inner), ("/thing", outer), ("/slash/", app), ("/stopped", app)):
        where.add_url_rule(path, endpoint=path.strip("/"), view_func=lambda: {"path": request.path, "told": g.told})
    for path, view in VIEWS.items():
        app.add_url_rule(path, endpoint=path, view_func=view)
    inner.add_url_rule("/refused", endpoint="refused", view_func=lambda: abort(403))
    inner.register_blueprint(outer)
    app.register_blueprint(inner)

    @app.errorhandler(403)
    def refused(_error: Exception) -> tuple[dict[str, Any], int]:
        return {"refused": g.told}, 403

    return app


def _hook(name: str, where: Any) -> None:
    for number in (1, 2):
        where.before_request(lambda number=number: told(f"{name} before {number}"))

        def after(response: Response, number: int = number) -> Response:
            response.headers.add("X-After", f"{name} {number}")
            return response

        where.after_request(after)
        where.teardown_request(lambda exc, number=number: TORN.append(f"{name} {number} {exc!r}"))
    where.url_value_preprocessor(lambda endpoint, values: told(f"{name} learns {endpoint} {values}"))
    if name == "app":
        where.before_request(lambda: ("stopped", 202) if request.path == "/stopped" else None)


def _count() -> dict[str, int]:
    session["visits"] = session.get("visits", 0) + 1
    return {"visits": session["visits"]}


def _crash() -> None:
    raise ZeroDivisionError


VIEWS: dict[str, Any] = {
    "/": lambda: "text",
    "/named/<name>": lambda name: {"name": name, "url": url_for("/named/<name>", name=name, _external=True)},
    "/session": _count,
    "/crash": _crash,
    "/empty": lambda: ("", 204),
    "/list": lambda: [1, "two", None, {"ä": 1.5}],
    "/link": lambda: ({"made": True}, 201, {"Location": "/plain"}),
    "/here": lambda: {
        "host": request.host,
        "url": request.url,
        "root": request.root_path,
        "query": request.args.to_dict(),
    },
}
TORN: list[str] = []


def answered(app: Flask, path: str, **kwargs: Any) -> tuple[Any, ...]:
    TORN.clear()
    answer = app.test_client().open(path, **kwargs)
    body = answer.json if answer.is_json and answer.data else answer.data
    # The one difference that is meant: JSON without the blank line at its end, in UTF-8.
    fields = [(name, value) for name, value in answer.headers if name != "Content-Length" or not answer.is_json]
    return answer.status, sorted(fields), body, list(TORN)


@pytest.fixture(scope="module")
def both() -> tuple[Flask, Flask]:
    return fill(Flask(__name__)), fill(Application(__name__))


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize("path", PATHS)
def test_a_request_is_answered_as_by_flask(both: tuple[Flask, Flask], path: str, method: str) -> None:
    plain, fitted = (answered(app, path, method=method) for app in both)
    assert fitted == plain
    # And once more, from what was kept of the first time.
    assert answered(both[1], path, method=method) == plain


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", ["/here", "/named/x", "/slash"])
def test_a_host_is_understood_as_by_flask(both: tuple[Flask, Flask], path: str, host: str, scheme: str) -> None:
    environ = {"wsgi.url_scheme": scheme, "HTTP_HOST": host, "SCRIPT_NAME": "/under"}
    plain, fitted = (answered(app, path, environ_overrides=environ) for app in both)
    assert fitted == plain


def test_the_length_of_an_answer_is_that_of_its_body(both: tuple[Flask, Flask]) -> None:
    whole, head = (both[1].test_client().open("/list", method=method) for method in ("GET", "HEAD"))
    assert whole.data == '[1,"two",null,{"ä":1.5}]'.encode()
    assert whole.headers["Content-Length"] == head.headers["Content-Length"] == str(len(whole.data))
    assert head.data == b""


def test_an_answer_that_is_changed_or_closed_later_is_told_so() -> None:
    app, closed = Application(__name__), []

    @app.get("/")
    def view() -> Response:
        answer = Answer(b"{}", 201, {"X-More": "1"})
        answer.data = b'{"longer": true}'
        answer.call_on_close(lambda: closed.append(True))
        return answer

    with app.test_client().get("/", buffered=True) as answer:
        assert (answer.status_code, answer.json, answer.headers["X-More"]) == (201, {"longer": True}, "1")
        assert answer.content_length == 16
    assert closed == [True]
