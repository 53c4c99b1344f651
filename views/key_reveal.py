"""What answers the form that made a key or a secret: the secret in clear, once, or that it was made already."""

from flask import Response, current_app, g, redirect, url_for
from flask.typing import ResponseReturnValue

from models import ApiKey, KeySecret, network, scope
from models.secret import Secret
from views import access, htmx


def reveal(key: ApiKey, secret: Secret) -> Response:
    """Answers a POST without a redirect, since the secret must not outlive this response."""
    return htmx.dialog(
        "api_keys/reveal.html",
        status=201,
        key=key,
        secret=secret,
        retiring=KeySecret.retiring_of(key.id, g.now),
        test_url=test_url(key),
        state=key.state(g.now),
        from_here=network.allows(key.networks, access.client_address()),
        address=access.client_address(),
    )


def already(what: str, key: ApiKey) -> Response:
    """The same form came again; its secret was shown then."""
    return htmx.dialog("api_keys/already.html", status=409, what=what, key=key)


def to_page(key: ApiKey) -> ResponseReturnValue:
    return redirect(url_for("api_keys.show", workspace_id=key.workspace_id, key_id=key.id), 303)


def test_url(key: ApiKey) -> str:
    """An address of the API that this key may read."""
    base = current_app.config["SETTINGS"].base_url
    if scope.covers(key.settings.scopes, "read:members"):
        return f"{base}/api/v2/w/{key.workspace_id}/members"
    return f"{base}/api/v2/key"
