"""The scopes a key can hold: what each allows, and the use cases they come in."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

ADMIN = "admin:workspace"


@dataclass(frozen=True, slots=True)
class Scope:
    name: str
    summary: str
    warning: str = ""

    @property
    def access(self) -> str:
        return self.name.partition(":")[0]

    @property
    def resource(self) -> str:
        return self.name.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Preset:
    """A use case that fills in the scopes of a new key."""

    slug: str
    title: str
    summary: str
    icon: str
    scopes: tuple[str, ...]


SCOPES = {
    scope.name: scope
    for scope in (
        Scope("read:members", "View member information"),
        Scope(
            "write:members",
            "Create and update members",
            "Can add people to the workspace and remove them. It cannot touch owners or admins.",
        ),
        Scope("read:chats", "Access chat history"),
        Scope("write:chats", "Send messages", "Can send messages that people read as yours."),
        Scope("read:data", "Access data records"),
        Scope("write:data", "Create and update data"),
        Scope("write:workflows", "Create, update and run workflows", "Workflows act on their own once started."),
        Scope(
            ADMIN,
            "Everything in the workspace, key management included",
            "Can create other keys. Whoever has this key can do nearly everything an admin can.",
        ),
    )
}

# Resource, what it holds in plain words; in the order of the form.
RESOURCES = (
    ("members", "Members", "People in the workspace"),
    ("chats", "Chats", "Conversations and messages"),
    ("data", "Data", "Records in your collections"),
    ("workflows", "Workflows", "Automations and their runs"),
)

PRESETS = (
    Preset(
        "automated-reports",
        "Automated reports",
        "Reads members and data.",
        "file-chart-column",
        ("read:members", "read:data"),
    ),
    Preset("crm-sync", "CRM sync", "Reads and updates members.", "contact", ("read:members", "write:members")),
    Preset(
        "custom-dashboard",
        "Custom dashboard",
        "Reads chats and members.",
        "layout-dashboard",
        ("read:chats", "read:members"),
    ),
    Preset(
        "workflow-automation",
        "Workflow automation",
        "Sends messages and runs workflows.",
        "workflow",
        ("write:chats", "write:workflows"),
    ),
)


@lru_cache(maxsize=1024)
def parse(text: str) -> frozenset[str]:
    """The set behind the stored form: scope names separated by one space (as in RFC 6749, section 3.3)."""
    return frozenset(text.split())


def join(scopes: Iterable[str]) -> str:
    """The stored form, in the order of `SCOPES`."""
    chosen = set(scopes)
    return " ".join(name for name in SCOPES if name in chosen)


def covers(granted: frozenset[str], wanted: str) -> bool:
    """Whether a key with these scopes may do what `wanted` names. Writing does not include reading."""
    return wanted in granted or ADMIN in granted


def preset(slug: str) -> Preset | None:
    return next((each for each in PRESETS if each.slug == slug), None)
