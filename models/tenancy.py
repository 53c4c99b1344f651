"""Founding a workspace, renaming it and moving it to another plan: verbs that need its members and its audit trail."""

from models import role
from models.actor import Actor
from models.audit import AuditEvent
from models.database import new_id, transaction
from models.member import Member
from models.user import User
from models.workspace import Workspace, known_plan


def found_workspace(name: str, plan: str, owner: User, *, by: Actor) -> Workspace:
    """A new workspace with its first owner, in the transaction at hand or one of its own."""
    with transaction():
        workspace = Workspace.create(name=name, plan_slug=plan)
        Member.create(
            id=new_id("mem"),
            workspace=workspace,
            user=owner,
            name=owner.name,
            email=owner.email,
            role=role.OWNER,
        )
        AuditEvent.write("workspace.created", workspace.id, workspace=workspace.id, by=by, name=name, plan=plan)
    return workspace


def rename_workspace(workspace: Workspace, name: str, *, by: Actor) -> None:
    if name == workspace.name:
        return
    with transaction():
        before, workspace.name = workspace.name, name
        workspace.save(only=[Workspace.name])
        AuditEvent.write("workspace.renamed", workspace.id, workspace=workspace.id, by=by, name=[before, name])


def change_plan(workspace: Workspace, slug: str, *, by: Actor) -> None:
    """Move a workspace to another plan. What a smaller plan lacks keeps working; only new things are refused."""
    slug = known_plan(slug)
    with transaction():
        workspace.hold()
        before, workspace.plan_slug = Workspace.get_by_id(workspace.id).plan_slug, slug
        if before == slug:
            return
        workspace.save(only=[Workspace.plan_slug])
        AuditEvent.write("workspace.plan_changed", workspace.id, workspace=workspace.id, by=by, plan=[before, slug])
