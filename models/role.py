"""The roles in a workspace, and what each may do."""

OWNER, ADMIN, MEMBER, CONTACT = ROLES = ("owner", "admin", "member", "contact")

TITLES = {
    OWNER: "Owner",
    ADMIN: "Admin",
    MEMBER: "Member",
    CONTACT: "Contact",
}
SUMMARIES = {
    OWNER: "Everything, the plan and other owners included",
    ADMIN: "Manages people, API keys and settings",
    MEMBER: "Signs in and works in the workspace",
    CONTACT: "Is on record and does not sign in",
}

# Contacts are on record only.
SIGN_IN = (OWNER, ADMIN, MEMBER)

MANAGERS = (OWNER, ADMIN)
PERMISSIONS = {
    "api_keys.manage": MANAGERS,
    "members.manage": MANAGERS,
    "webhooks.manage": MANAGERS,
    "workspace.rename": MANAGERS,
    "workspace.policy": (OWNER,),
    "jobs.see": (OWNER,),
    "workspace.mail": (OWNER,),
}

# Whom one may add, change or remove. A key never touches those who manage keys.
TOUCHES = {
    OWNER: frozenset(ROLES),
    ADMIN: frozenset((ADMIN, MEMBER, CONTACT)),
    MEMBER: frozenset[str](),
    CONTACT: frozenset[str](),
}
KEY_TOUCHES = frozenset((MEMBER, CONTACT))


def may(role: str, permission: str) -> bool:
    return role in PERMISSIONS[permission]
