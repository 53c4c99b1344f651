"""The keys of the demo workspace, in every state that a key can be in. Times are days before the demo was made."""

from dataclasses import dataclass, field
from typing import NamedTuple

from models import scope
from models.scope import PRESETS

REPORTS, CRM, DASHBOARD, WORKFLOWS = (preset.scopes for preset in PRESETS)
MINUTE = 1 / 1440
WORKSPACE = "/api/v2/w/<workspace_id>"
MEMBERS = f"{WORKSPACE}/members"
RECORDS = f"{WORKSPACE}/data/<collection>/records"
KEYS = f"{WORKSPACE}/api-keys"
RUNS = f"{WORKSPACE}/workflows/<workflow_id>/runs"


class Use(NamedTuple):
    ago: float
    address: str
    client: str
    request: str = f"GET {MEMBERS}"
    status: int = 200
    scope: str = "read:members"


class Act(NamedTuple):
    """What somebody did to the key later: a verb of `ApiKey`, and what it was given."""

    ago: float
    verb: str
    by: str
    given: dict[str, str] = {}


@dataclass(frozen=True)
class Sample:
    name: str
    by: str
    made: float
    scopes: tuple[str, ...]
    note: str = ""
    # Days after it was made; none for no expiration.
    life: float | None = None
    # Days after the demo was made.
    starts: float | None = None
    networks: tuple[str, ...] = ()
    acts: tuple[Act, ...] = field(default=())
    use: Use | None = None
    # Addresses whose clients have not taken the newest secret yet.
    lags: tuple[str, ...] = ()


SAMPLES = (
    Sample(
        "Customer sync", "Marcus Lindqvist", 402.5, CRM, "Every five minutes, from the CRM",
        acts=(Act(210.3, "rotate", "Marcus Lindqvist"), Act(33.8, "rotate", "Aiko Tanaka")),
        use=Use(3 * MINUTE, "203.0.113.24", "fieldstone-crm/4.2", f"POST {MEMBERS}", 201, "write:members"),
    ),
    Sample(
        "Nightly member report", "Aiko Tanaka", 83.6, REPORTS, "Cron on reports-01; ask Noor", life=90,
        use=Use(0.46, "198.51.100.7", "curl/8.14.1"),
    ),
    Sample(
        "Support dashboard", "Aiko Tanaka", 147.2, DASHBOARD, "The screen above the service desk",
        use=Use(42 * MINUTE, "2001:db8:40::17", "python-httpx/0.28.1"),
    ),
    Sample(
        "Supplier portal", "Priya Raman", 240.8, ("read:members", "write:data"), "Run by Atlas Ceramics for us",
        life=365, networks=("203.0.113.0/28", "2001:db8:7::/48"),
        use=Use(0.09, "203.0.113.5", "axios/1.13.2", f"GET {MEMBERS}/<member_id>", 404),
    ),
    Sample(
        "Terraform", "Marcus Lindqvist", 61.4, (scope.ADMIN,), "Keys and people as code; in the vault under infra",
        life=180, networks=("198.51.100.64/29",),
        use=Use(2.2, "198.51.100.66", "Terraform/1.14 gravity-provider/0.3", f"GET {KEYS}", 200, scope.ADMIN),
    ),
    Sample(
        "Van tracking", "Tomasz Zieliński", 188.3, ("read:members", "write:data"), "On the trackers in all vans",
        acts=(Act(0.41, "rotate", "Marcus Lindqvist", {"overlap": "24h"}),),
        use=Use(11 * MINUTE, "192.0.2.118", "okhttp/5.1.0", f"POST {RECORDS}", 201, "write:data"),
        lags=("192.0.2.118", "192.0.2.131"),
    ),
    Sample(
        "Order bot", "Tomasz Zieliński", 74.9, WORKFLOWS, "Confirms orders in the chat", life=365,
        use=Use(1.3, "192.0.2.44", "node-fetch/3.3.2", f"POST {RUNS}", 201, "write:workflows"),
    ),
    Sample(
        "Warehouse export", "Marcus Lindqvist", 331.6, ("read:data",), "Old stock system",
        use=Use(118.5, "198.51.100.23", "Java-http-client/17.0.12", f"GET {RECORDS}", 200, "read:data"),
    ),
    Sample("Spreadsheet add-on", "Aiko Tanaka", 71.1, ("read:members",), "Noor wanted to try it", life=365),
    Sample(
        "Staging", "Aiko Tanaka", 96.7, CRM, "For tests before a release",
        acts=(Act(12.4, "disable", "Priya Raman"),),
        use=Use(12.6, "198.51.100.90", "python-requests/2.32.5"),
    ),
    Sample("Spring campaign", "Priya Raman", 1.2, ("read:members", "write:chats"), "Goes live with the mailing",
           life=60, starts=7),
    Sample(
        "Payroll import", "Marcus Lindqvist", 100.4, ("read:members",), "One-off for the year's end", life=90,
        use=Use(10.9, "198.51.100.12", "curl/7.88.1"),
    ),
    Sample(
        "Intranet", "Tomasz Zieliński", 264.5, DASHBOARD, "Phone book on the intranet",
        acts=(Act(54.7, "revoke", "Priya Raman", {"reason": "leaked", "note": "Was in a public repository"}),),
        use=Use(54.71, "185.220.101.4", "python-requests/2.31.0"),
    ),
    Sample(
        "Chat archive", "Marcus Lindqvist", 389.2, ("read:chats",), "Before there was a dashboard",
        acts=(Act(146.9, "revoke", "Aiko Tanaka", {"reason": "replaced", "note": "Support dashboard does this now"}),),
        use=Use(147.5, "198.51.100.7", "curl/8.5.0", "GET /api/v2/key", 200, ""),
    ),
)  # fmt: skip
