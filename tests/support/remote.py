"""A person at a real server: the dashboard over HTTP, without a browser."""

import re

import httpx

from tests.support import ledger
from tests.support.cast import Person
from tests.support.servers import Server

TOKEN = re.compile(r'name="csrf_token"[^>]*?value="([^"]+)"')


class Dashboard:
    """Signed in, like a browser without JavaScript."""

    def __init__(self, server: Server, person: Person) -> None:
        assert person.user
        self.http = httpx.Client(base_url=server.base_url, timeout=60)
        self.token = ""
        self.get("/login")
        answer = self.post("/login", {"email": person.user.email, "password": person.password})
        assert answer.status_code == 303, answer.text
        ledger.note(self.http.cookies.get("gravity") or "", "session cookie")
        self.get("/account")

    def __enter__(self) -> "Dashboard":
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str) -> httpx.Response:
        return self._look_at(self.http.get(path))

    def post(self, path: str, data: dict[str, str]) -> httpx.Response:
        return self._look_at(self.http.post(path, data={"csrf_token": self.token, **data}))

    def revoke(self, person: Person, key_id: str, name: str) -> httpx.Response:
        form = {"reason": "leaked", "confirm": name}
        answer = self.post(person.settings(f"api-keys/{key_id}/revoke"), form)
        assert answer.status_code == 303, answer.text
        return answer

    def _look_at(self, answer: httpx.Response) -> httpx.Response:
        if found := TOKEN.search(answer.text):
            self.token = found[1]
        return answer
