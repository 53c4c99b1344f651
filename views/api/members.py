"""Members of a workspace."""

from typing import Any

from flask import Blueprint, Response, g, url_for

from models import Member, Workspace
from views.api import enforcement, once, operations, paging
from views.api.answers import answer, tagged
from views.api.schemas import members as shapes
from views.api.schemas.common import ListQuery
from views.format import iso

READ, WRITE = "read:members", "write:members"


def add_routes(bp: Blueprint) -> None:
    bp.get("/w/<workspace_id>/members")(list_members)
    bp.post("/w/<workspace_id>/members")(create_member)
    bp.get("/w/<workspace_id>/members/<member_id>")(get_member)
    bp.patch("/w/<workspace_id>/members/<member_id>")(change_member)
    bp.delete("/w/<workspace_id>/members/<member_id>")(remove_member)


@operations.operation(READ, operations.MEMBERS, query=ListQuery, returns=shapes.MemberList, errors=(404,))
def list_members(workspace_id: str) -> Response:
    """List members.

    Oldest first, in pages.
    """
    return paging.listed(lambda limit, after: Member.page(g.credential.workspace_id, limit, after), _json)


@operations.operation(READ, operations.MEMBERS, returns=shapes.Member, errors=(404,))
def get_member(workspace_id: str, member_id: str) -> Response:
    """Get a member."""
    return tagged(_json(_found(member_id)))


@operations.operation(
    WRITE, operations.MEMBERS, json=shapes.NewMember, returns=shapes.Member, status=201, errors=(404, 409)
)
def create_member(workspace_id: str) -> Response:
    """Create a member.

    A `contact` is on record only. A `member` can sign in once an owner or admin gave them a link.
    """
    workspace = Workspace.known(g.credential.workspace_id)
    member = Member.add(workspace, **operations.taken().model_dump(), by=enforcement.actor())
    place = url_for("api.get_member", workspace_id=workspace.id, member_id=member.id)
    return tagged(_json(member), 201, {"Location": place})


@operations.operation(
    WRITE, operations.MEMBERS, json=shapes.MemberChange, returns=shapes.Member, errors=(404, 409, 412)
)
def change_member(workspace_id: str, member_id: str) -> Response:
    """Change a member.

    A merge patch: only what is given changes. Owners and admins cannot be changed by a key.
    """
    given = operations.taken().model_dump(exclude_unset=True)
    member = _found(member_id)
    once.expect(_json(member))
    member.change({field: value or "" for field, value in given.items()}, by=enforcement.actor())
    return tagged(_json(_found(member_id)))


@operations.operation(WRITE, operations.MEMBERS, status=204, errors=(404, 409, 412))
def remove_member(workspace_id: str, member_id: str) -> Response:
    """Remove a member.

    Their sessions end at once. Keys they created keep working and are flagged to the owners.
    """
    member = _found(member_id)
    once.expect(_json(member))
    member.remove(by=enforcement.actor())
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
