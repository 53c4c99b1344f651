"""`/metrics` for Prometheus: with the token of the settings, or without one to this machine alone."""

import hmac

from flask import Blueprint, Flask, Response, current_app, request
from werkzeug.sansio.utils import host_is_trusted

from models import metrics, network, outgoing_figures

# Their figures are asked for at each scrape.
__all__ = ["bp", "outgoing_figures"]

bp = Blueprint("metrics", __name__)

# Whatever passed a proxy was asked by somebody else, wherever the proxy runs.
FORWARDED = ("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_FORWARDED", "HTTP_X_REAL_IP")
# A proxy that adds none of these passes on the public name. So does a page that had its own name lead here.
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
CHALLENGE = 'Bearer realm="gravity-rail-metrics"'


def set_up(app: Flask) -> None:
    app.register_blueprint(bp)
    metrics.process_started("web")
    metrics.alerts_known()


@bp.get("/metrics")
def show() -> Response:
    token: str = current_app.config["SETTINGS"].metrics_token
    if token and not _is_sent(token):
        answer = Response("Send the metrics token: Authorization: Bearer …\n", 401, mimetype="text/plain")
        answer.headers["WWW-Authenticate"] = CHALLENGE
        return answer
    if not token and not _is_local():
        return Response("Metrics are for this machine alone: no token is set.\n", 403, mimetype="text/plain")
    body, content_type = metrics.exposition(request.headers.get("Accept", ""))
    return Response(body, content_type=content_type)


def _is_sent(token: str) -> bool:
    scheme, _, sent = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return bool(scheme.lower() == "bearer") and hmac.compare_digest(sent.strip().encode(), token.encode())


def _is_local() -> bool:
    environ = request.environ
    if any(name.startswith(FORWARDED) for name in environ):
        return False
    # Before ProxyFix put the address there that a proxy told.
    peer = environ.get("werkzeug.proxy_fix.orig", environ).get("REMOTE_ADDR") or ""
    try:
        return network.normal_address(peer).is_loopback and host_is_trusted(environ.get("HTTP_HOST"), LOOPBACK_HOSTS)
    except ValueError:
        return False
