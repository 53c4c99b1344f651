"""The JSON API under /api/v2: bearer keys only, no cookie in or out."""

from flask import Blueprint

from views.api import enforcement, key, members, openapi

bp = Blueprint("api", __name__, url_prefix="/api/v2")
bp.before_request(enforcement.enforce)
bp.after_request(enforcement.finish)
for module in (key, members, openapi):
    module.add_routes(bp)
