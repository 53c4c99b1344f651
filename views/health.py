"""What load balancers and containers ask: is this process alive, can it serve."""

from flask import Blueprint, Response, json

from models import readiness

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive() -> Response:
    """This process answers. Whether its database does is another question."""
    return Response("ok", mimetype="text/plain")


@bp.get("/readyz")
def ready() -> Response:
    found = readiness.look()
    is_ready = set(found.values()) == {"ok"}
    body = json.dumps({"ready": is_ready, "checks": found})
    return Response(body, 200 if is_ready else 503, mimetype="application/json")
