"""Custom dashboard: a page with the people and the latest conversations of a workspace.

Scopes: read:chats, read:members.

    python dashboard.py dashboard.html
"""

import sys
from html import escape
from pathlib import Path
from typing import Any

from gravity_rail import Workspace

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Dashboard</title>
<h1>Dashboard</h1>
<p>{people} people, {chats} conversations, {messages} messages</p>
<table><tr><th>Conversation<th>Messages<th>Last said</tr>
{rows}
</table></html>
"""
ROW = "<tr><td>{title}<td>{count}<td>{last}</tr>"


def row(chat: dict[str, Any], messages: list[dict[str, Any]]) -> str:
    last = f"{messages[-1]['text'][:80]} ({messages[-1]['created_at']})" if messages else "nothing yet"
    return ROW.format(title=escape(chat["title"]), count=len(messages), last=escape(last))


def main(file: Path) -> None:
    workspace = Workspace()
    people = sum(1 for _ in workspace.all("/members"))
    chats = [(chat, list(workspace.all(f"/chats/{chat['id']}/messages"))) for chat in workspace.all("/chats")]
    said = sum(len(messages) for _, messages in chats)
    rows = "\n".join(row(chat, messages) for chat, messages in chats)
    file.write_text(PAGE.format(people=people, chats=len(chats), messages=said, rows=rows), encoding="utf-8")
    print(f"{file}: {people} people, {len(chats)} conversations, {said} messages")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python dashboard.py dashboard.html")
    main(Path(sys.argv[1]))
