"""Automated report: who is in the workspace and what is in its collections, as Markdown on standard output.

Scopes: read:members, read:data. Run it from cron:

    0 7 * * 1  python automated_report.py > report.md
"""

from collections import Counter
from datetime import UTC, datetime

from gravity_rail import Workspace


def main() -> None:
    workspace = Workspace()
    members = list(workspace.all("/members"))
    roles = Counter(member["role"] for member in members)
    print(f"# Workspace report, {datetime.now(UTC):%Y-%m-%d}\n")
    print(f"{len(members)} members: " + ", ".join(f"{count} {role}" for role, count in sorted(roles.items())) + "\n")
    print("| collection | records | newest |\n| --- | ---: | --- |")
    for collection in workspace.all("/data"):
        records = list(workspace.all(f"/data/{collection['name']}/records"))
        newest = max((record["created_at"] for record in records), default="never")
        title = collection["title"].replace("|", "\\|")
        print(f"| {title} | {len(records)} | {newest} |")


if __name__ == "__main__":
    main()
