"""Browsers and API clients over Flask's test client."""

import re
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from models.secret import Secret
from tests.support import ledger
from tests.support.cast import Person

TOKEN = re.compile(r'name="csrf_token"[^>]*?value="([^"]+)"')
HERE = "http://localhost"


class Browser:
    """A person's browser without JavaScript; `htmx_get` and `htmx_post` ask as htmx does."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        self.here = "/"
        self._token: str | None = None

    def sign_in(self, person: Person) -> "Browser":
        """Through the login page, like anybody."""
        assert person.user, "contacts cannot sign in"
        self.get("/login")
        answer = self.post("/login", data={"email": person.user.email, "password": person.password})
        assert answer.status_code == 303, answer.text
        self._token = None
        return self

    def sign_out(self) -> TestResponse:
        answer = self.post("/logout")
        self._token = None
        return answer

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        answer = self.client.get(path, **kwargs)
        self._look_at(answer)
        if answer.status_code == 200 and "HX-Request" not in kwargs.get("headers", {}):
            self.here = path
        return answer

    def post(self, path: str, data: dict[str, Any] | None = None, **kwargs: Any) -> TestResponse:
        """Send a form, with the CSRF token of the page that was seen last."""
        answer = self.client.post(path, data={"csrf_token": self.token(), **(data or {})}, **kwargs)
        self._look_at(answer)
        return answer

    def htmx_get(self, path: str, *, target: str = "main", **kwargs: Any) -> TestResponse:
        return self.get(path, **self._as_htmx(target, kwargs))

    def htmx_post(
        self, path: str, data: dict[str, Any] | None = None, *, target: str = "main", **kwargs: Any
    ) -> TestResponse:
        return self.post(path, data, **self._as_htmx(target, kwargs))

    def token(self) -> str:
        if self._token is None:
            self.get("/account")
        assert self._token, "no page with a form was seen"
        return self._token

    def _as_htmx(self, target: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        asking = {
            "HX-Request": "true",
            "HX-Request-Type": "partial",
            "HX-Current-URL": HERE + self.here,
            "HX-Target": target,
        }
        return kwargs | {"headers": asking | dict(kwargs.get("headers", {}))}

    def _look_at(self, answer: TestResponse) -> None:
        if answer.mimetype == "text/html" and (found := TOKEN.search(answer.text)):
            self._token = found[1]


class ApiClient:
    """Calls the API with a key, from an address."""

    def __init__(self, app: Flask, secret: "str | Secret | None" = None, address: str = "192.0.2.7") -> None:
        self.client = app.test_client(use_cookies=False)
        self.secret = secret.reveal() if isinstance(secret, Secret) else secret
        self.address = address

    def open(self, method: str, path: str, *, address: str | None = None, **kwargs: Any) -> TestResponse:
        headers = dict(kwargs.pop("headers", None) or {})
        if self.secret is not None:
            headers.setdefault("Authorization", f"Bearer {self.secret}")
        environ = {"REMOTE_ADDR": address or self.address}
        answer = self.client.open(path, method=method, headers=headers, environ_base=environ, **kwargs)
        if answer.status_code < 300:
            ledger.note_keys(answer.text)
        return answer

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self.open("GET", path, **kwargs)

    def post(self, path: str, **kwargs: Any) -> TestResponse:
        return self.open("POST", path, **kwargs)

    def patch(self, path: str, **kwargs: Any) -> TestResponse:
        return self.open("PATCH", path, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> TestResponse:
        return self.open("DELETE", path, **kwargs)
