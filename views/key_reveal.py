"""The one answer that shows a key in clear: to whoever created or rotated it, once."""

from flask import Response, current_app, g

from models import ApiKey, network, scope
from models.secret import Secret
from views import access, htmx


def reveal(key: ApiKey, secret: Secret) -> Response:
    """Answers a POST without a redirect, since the secret must not outlive this response."""
    return htmx.dialog(
        "api_keys/reveal.html",
        status=201,
        key=key,
        secret=secret,
        test_url=test_url(key),
        state=key.state(g.now),
        from_here=network.allows(key.networks, access.client_address()),
        address=access.client_address(),
    )


def test_url(key: ApiKey) -> str:
    """An address of the API that this key may read."""
    base = current_app.config["SETTINGS"].base_url
    if scope.covers(key.settings.scopes, "read:members"):
        return f"{base}/api/v2/w/{key.workspace_id}/members"
    return f"{base}/api/v2/key"
