"""Reading a refusal, which is always a whole problem document."""

from werkzeug.test import TestResponse


def refusal(answer: TestResponse) -> tuple[int, str, str | None]:
    """Status, code and challenge of a refusal."""
    body = answer.get_json()
    assert answer.mimetype == "application/problem+json"
    assert {"type", "title", "status", "detail", "code", "request_id"} <= body.keys()
    assert body["status"] == answer.status_code
    assert body["request_id"] == answer.headers["X-Request-Id"]
    return answer.status_code, body["code"], answer.headers.get("WWW-Authenticate")
