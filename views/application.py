"""Flask, fitted to what it serves here: small JSON answers, thousands of them a second.

Each override does what Flask does for an application without subdomains, WebSockets and coroutines, and leaves out the
look for them at every request. docs/decisions/0020-fitted-flask.md says what that brings; tests hold it to Flask's own.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from flask import Flask, Request, Response, request_tearing_down
from flask.ctx import RequestContext, _AppCtxGlobals
from flask.globals import app_ctx, request_ctx
from flask.json.provider import DefaultJSONProvider
from pydantic_core import to_json
from werkzeug.routing import MapAdapter
from werkzeug.wsgi import get_host

JSON = "application/json"
# Their answers have no body (RFC 9110, section 6.4.1), and no length of one.
BODILESS = (204, 304)


def context() -> RequestContext:
    """The request at hand, as Flask keeps it. Each use of a proxy costs half a microsecond."""
    found: RequestContext = request_ctx._get_current_object()  # type: ignore[attr-defined] # typed as what is behind it
    return found


def notes() -> _AppCtxGlobals:
    """What is behind `flask.g`."""
    found: _AppCtxGlobals = app_ctx._get_current_object().g  # type: ignore[attr-defined] # the same
    return found


class Answer(Response):
    """A JSON answer whose body is at hand: there is nothing to measure or to close."""

    def __init__(
        self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None, content_type: str = JSON
    ) -> None:
        super().__init__(None, status, headers, content_type=content_type)
        self.set_data(body)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if self._on_close or self.status_code in BODILESS:
            return super().__call__(environ, start_response)
        start_response(self.status, self.headers.to_wsgi_list())
        body: list[bytes] = self.response  # type: ignore[assignment] # by `set_data`
        return [] if environ["REQUEST_METHOD"] == "HEAD" else body


class BoundedJSON(DefaultJSONProvider):
    """JSON that is nested too deeply is JSON that cannot be parsed, not a crash."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        try:
            # NaN and Infinity are Python's own, and in no JSON (RFC 8259, section 6).
            return super().loads(s, parse_constant=_refuse, **kwargs)
        except RecursionError as problem:
            raise ValueError("nested too deeply") from problem

    def response(self, *args: Any, **kwargs: Any) -> Response:
        # The encoder is pydantic's, several times as fast as the one of the standard library.
        return Answer(to_json(self._prepare_response_obj(args, kwargs)))


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


class Hooks(NamedTuple):
    """What was registered to run around the views of an endpoint, each in its order."""

    values: tuple[Callable[..., None], ...]
    before: tuple[Callable[[], Any], ...]
    after: tuple[Callable[[Any], Any], ...]
    teardown: tuple[Callable[[Any], Any], ...]


class Application(Flask):
    """Flask that looks for its hooks once, and for what it does not have never."""

    json_provider_class = BoundedJSON

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._hooks: dict[str | None, Hooks] = {}

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        if request is None:
            return super().create_url_adapter(None)
        environ = request.environ
        scheme = environ["wsgi.url_scheme"]
        host = _host(scheme, environ.get("HTTP_HOST"), environ.get("SERVER_NAME"), environ.get("SERVER_PORT"))
        request.host = host
        return MapAdapter(
            self.url_map,
            server_name=host.lower(),
            script_name=request.root_path,
            subdomain="",
            url_scheme=scheme,
            # Not the path of the request: there a slash at its beginning is as good as two.
            path_info=_decoded(environ["PATH_INFO"]),
            default_method=environ["REQUEST_METHOD"],
            query_args=_decoded(environ.get("QUERY_STRING", "")),
        )

    def preprocess_request(self) -> Any:
        asked = context().request
        hooks = self._around(asked)
        for learn in hooks.values:
            learn(asked.endpoint, asked.view_args)
        for hook in hooks.before:
            if (answer := hook()) is not None:
                return answer
        return None

    def process_response(self, response: Response) -> Response:
        here = context()
        for hook in here._after_request_functions:
            response = hook(response)  # type: ignore[assignment] # Flask's hooks give what they take
        for hook in self._around(here.request).after:
            response = hook(response)
        session = here._session
        if session is not None and not self.session_interface.is_null_session(session):
            self.session_interface.save_session(self, session, response)
        return response

    def do_teardown_request(self, exc: BaseException | None = None) -> None:
        for hook in self._around(context().request).teardown:
            hook(exc)
        request_tearing_down.send(self, _async_wrapper=self.ensure_sync, exc=exc)

    def _around(self, asked: Request) -> Hooks:
        """Nothing can be registered any more once the first request is being served: Flask refuses it."""
        endpoint = asked.endpoint
        found = self._hooks.get(endpoint)
        if found is None:
            outward = (*asked.blueprints, None)
            inward = (None, *reversed(asked.blueprints))
            found = self._hooks[endpoint] = Hooks(
                tuple(each for name in inward for each in self.url_value_preprocessors.get(name, ())),
                tuple(each for name in inward for each in self.before_request_funcs.get(name, ())),
                tuple(each for name in outward for each in reversed(self.after_request_funcs.get(name, ()))),
                tuple(each for name in outward for each in reversed(self.teardown_request_funcs.get(name, ()))),
            )
        return found


def _decoded(text: str) -> str:
    """WSGI hands bytes on as Latin-1 (PEP 3333); a path is UTF-8."""
    return text if text.isascii() else text.encode("latin1").decode(errors="replace")


@lru_cache(maxsize=256)
def _host(scheme: str, header: str | None, name: str | None, port: str | None) -> str:
    given = {"wsgi.url_scheme": scheme, "HTTP_HOST": header, "SERVER_NAME": name, "SERVER_PORT": port}
    return get_host({key: value for key, value in given.items() if value is not None})
