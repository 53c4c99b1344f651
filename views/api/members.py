"""Members of a workspace."""

from typing import Any

from flask import Blueprint, Response, g, url_for

from models import Member, Workspace
from models.database import from_microseconds, to_microseconds
from views.api import enforcement, openapi, paging, schemas
from views.api.answers import answer
from views.format import iso

READ, WRITE = "read:members", "write:members"


def add_routes(bp: Blueprint) -> None:
    bp.get("/w/<workspace_id>/members")(list_members)
    bp.post("/w/<workspace_id>/members")(create_member)
    bp.get("/w/<workspace_id>/members/<member_id>")(get_member)
    bp.patch("/w/<workspace_id>/members/<member_id>")(change_member)
    bp.delete("/w/<workspace_id>/members/<member_id>")(remove_member)


@openapi.operation(READ, openapi.MEMBERS, query=schemas.ListQuery, returns=schemas.MemberList, errors=(404,))
def list_members(workspace_id: str) -> Response:
    """List members.

    Oldest first, in pages.
    """
    query = openapi.asked()
    after = None
    if query.cursor is not None:
        moment, row_id = paging.decode(query.cursor)
        after = (from_microseconds(moment), row_id)
    rows, more = Member.page(g.credential.workspace_id, query.limit, after)
    last = rows[-1] if more else None
    cursor = paging.encode([to_microseconds(last.created_at), last.id]) if last else None
    return answer({"data": [_json(row) for row in rows], "next_cursor": cursor})


@openapi.operation(READ, openapi.MEMBERS, returns=schemas.Member, errors=(404,))
def get_member(workspace_id: str, member_id: str) -> Response:
    """Get a member."""
    return answer(_json(_found(member_id)))


@openapi.operation(
    WRITE, openapi.MEMBERS, json=schemas.NewMember, returns=schemas.Member, status=201, errors=(404, 409)
)
def create_member(workspace_id: str) -> Response:
    """Create a member.

    A `contact` is on record only. A `member` can sign in once an owner or admin gave them a link.
    """
    workspace = Workspace.known(g.credential.workspace_id)
    member = Member.add(workspace, **openapi.taken().model_dump(), by=enforcement.actor())
    place = url_for("api.get_member", workspace_id=workspace.id, member_id=member.id)
    return answer(_json(member), 201, {"Location": place})


@openapi.operation(WRITE, openapi.MEMBERS, json=schemas.MemberChange, returns=schemas.Member, errors=(404, 409))
def change_member(workspace_id: str, member_id: str) -> Response:
    """Change a member.

    A merge patch: only what is given changes. Owners and admins cannot be changed by a key.
    """
    given = openapi.taken().model_dump(exclude_unset=True)
    _found(member_id).change({field: value or "" for field, value in given.items()}, by=enforcement.actor())
    return answer(_json(_found(member_id)))


@openapi.operation(WRITE, openapi.MEMBERS, status=204, errors=(404, 409))
def remove_member(workspace_id: str, member_id: str) -> Response:
    """Remove a member.

    Their sessions end at once. Keys they created keep working and are flagged to the owners.
    """
    _found(member_id).remove(by=enforcement.actor())
    return answer(None, 204)


def _found(member_id: str) -> Any:
    return Member.find(g.credential.workspace_id, member_id)


def _json(member: Any) -> dict[str, Any]:
    return {
        "id": member.id,
        "name": member.name,
        "email": member.email,
        "role": member.role,
        "status": member.status,
        "title": member.title,
        "created_at": iso(member.created_at),
        "updated_at": iso(member.updated_at),
    }
