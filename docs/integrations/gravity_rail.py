"""What the programs beside this file share: a key from the environment, pages, patience, and errors in one line.

    export GRAVITY_API=http://127.0.0.1:8000
    export GRAVITY_API_KEY=gr_your_api_key_here

Copy it next to your own program. It needs httpx alone.
"""

import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx

MOST_TRIES = 5


class Workspace:
    """The workspace that the key in the environment belongs to."""

    def __init__(self) -> None:
        key = os.environ.get("GRAVITY_API_KEY") or stop("GRAVITY_API_KEY is not set.")
        base_url = os.environ.get("GRAVITY_API", "http://127.0.0.1:8000").rstrip("/")
        self.http = httpx.Client(base_url=f"{base_url}/api/v2", headers={"Authorization": f"Bearer {key}"}, timeout=30)
        self.path = f"/w/{self.call('GET', '/key')['workspace_id']}"

    def get(self, path: str, **query: Any) -> Any:
        return self.call("GET", self.path + path, params=query)

    def post(self, path: str, body: dict[str, Any], once: str | None = None) -> Any:
        """`once` makes it safe to send the same thing again, after a crash as well: it happens one time."""
        return self.call("POST", self.path + path, json=body, headers={"Idempotency-Key": once} if once else {})

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        return self.call("PATCH", self.path + path, json=body)

    def all(self, path: str) -> Iterator[Any]:
        """Each thing of a list, page by page."""
        query: dict[str, Any] = {"limit": 100}
        while True:
            page = self.get(path, **query)
            yield from page["data"]
            if not page["next_cursor"]:
                return
            query["cursor"] = page["next_cursor"]

    def call(self, method: str, path: str, **options: Any) -> Any:
        """One request. It waits when it is asked to, and ends the program with one line when it is refused."""
        for last in [False] * (MOST_TRIES - 1) + [True]:
            try:
                answer = self.http.request(method, path, **options)
            except httpx.TransportError as problem:
                stop(f"{self.http.base_url} cannot be reached: {problem}")
            wait = int(answer.headers.get("Retry-After", 0))
            if answer.status_code not in (429, 503) or last or wait > 300:
                break
            time.sleep(wait)
        if answer.is_success:
            return answer.json() if answer.content else None
        stop(told(answer))


def told(answer: httpx.Response) -> str:
    """A refusal in one line: what it is, how to mend it, and the id to ask about."""
    try:
        problem = answer.json()
        line = f"{problem['code']}: {problem['detail']} ({problem['request_id']})"
    except (ValueError, KeyError):
        return f"HTTP {answer.status_code} from {answer.url.host}"
    return f"{line} Mend it at {problem['fix_url']}" if "fix_url" in problem else line


def stop(line: str) -> Any:
    """End with one line on standard error and exit status 1."""
    sys.exit(line)
