"""Founding a workspace and changing its name, policy or plan: verbs that need its members and its audit trail."""

from models import cleanup, role
from models.actor import Actor
from models.audit import PLAN_CHANGED, AuditEvent
from models.database import new_id, transaction
from models.errors import Conflict
from models.member import Member
from models.policy import Policy, known
from models.user import User
from models.workspace import Workspace, known_leak_policy, known_plan

POLICY_CHANGED = "workspace.policy_changed"


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
    with transaction():
        workspace.hold()
        before, workspace.name = Workspace.get_by_id(workspace.id).name, name
        if name == before:
            return
        workspace.save(only=[Workspace.name])
        AuditEvent.write("workspace.renamed", workspace.id, workspace=workspace.id, by=by, name=[before, name])


def choose_leak_policy(workspace: Workspace, policy: str, *, by: Actor) -> None:
    """Say what becomes of a key that is found in public."""
    policy = known_leak_policy(policy)
    with transaction():
        workspace.hold()
        before, workspace.leak_policy = Workspace.get_by_id(workspace.id).leak_policy, policy
        if before == policy:
            return
        workspace.save(only=[Workspace.leak_policy])
        action = "workspace.leak_policy_changed"
        AuditEvent.write(action, workspace.id, workspace=workspace.id, by=by, leak_policy=[before, policy])


def choose_policy(workspace: Workspace, policy: Policy, *, by: Actor, seen: str | None = None) -> None:
    """Say what is asked of the keys of a workspace from now on. No key that works stops for it.

    `seen` is the tag of the policy that held when somebody decided: nobody takes back unseen what another one chose.
    """
    policy = known(policy)
    with transaction():
        workspace.hold()
        before = Workspace.get_by_id(workspace.id).policy
        if seen is not None and seen != before.tag:
            raise Conflict(_who_changed(workspace))
        workspace.policy_text = policy.text
        changes = policy.differs_from(before)
        if not changes:
            return
        workspace.save(only=[Workspace.policy_text])
        Workspace.update(policy_version=Workspace.policy_version + 1).where(Workspace.id == workspace.id).execute()
        if before.staged_cleanup != policy.staged_cleanup:
            cleanup.switch(workspace.id, on=policy.staged_cleanup)
        AuditEvent.write(POLICY_CHANGED, workspace.id, workspace=workspace.id, by=by, **changes)


def _who_changed(workspace: Workspace) -> str:
    trail = AuditEvent.about(workspace.id, workspace.id)
    who = next((each.actor_name for each in trail if each.action == POLICY_CHANGED), "Someone")
    return f"{who} changed the policy while you had it open. Nothing of yours was saved. This is what holds now."


def change_plan(workspace: Workspace, slug: str, *, by: Actor) -> None:
    """Move a workspace to another plan. What a smaller plan lacks keeps working; only new things are refused."""
    slug = known_plan(slug)
    with transaction():
        workspace.hold()
        before, workspace.plan_slug = Workspace.get_by_id(workspace.id).plan_slug, slug
        if before == slug:
            return
        workspace.save(only=[Workspace.plan_slug])
        AuditEvent.write(PLAN_CHANGED, workspace.id, workspace=workspace.id, by=by, plan=[before, slug])
