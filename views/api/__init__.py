"""The JSON API under /api/v2: bearer keys only, no cookie in or out."""

from flask import Blueprint

from views.api import (
    api_keys,
    audit_events,
    chats,
    data,
    docs,
    enforcement,
    key,
    key_impact,
    key_reports,
    key_rotation,
    members,
    openapi,
    recording,
    usage,
    workflows,
    workspace,
)

bp = Blueprint("api", __name__, url_prefix="/api/v2")
bp.before_request(enforcement.enforce)
bp.after_request(recording.finish)
# Whoever asks for nothing of ours never comes to a blueprint.
bp.app_errorhandler(404)(recording.no_route)
bp.app_errorhandler(405)(recording.no_route)
for module in (
    key, workspace, members, chats, data, workflows, api_keys, key_rotation, key_impact, usage, audit_events,
    key_reports, openapi, docs,
):  # fmt: skip
    module.add_routes(bp)
