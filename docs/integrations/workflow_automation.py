"""Workflow automation: opens a chat, makes a workflow that posts to it, runs it and waits for the outcome.

Scopes: write:chats, write:workflows.

    python workflow_automation.py "Deploy notes" "Version 42 is out."
"""

import sys
import time

from gravity_rail import Workspace, stop


def main(title: str, text: str) -> None:
    workspace = Workspace()
    chat = workspace.post("/chats", {"title": title})
    steps = [{"action": "send_message", "chat_id": chat["id"], "text": text}]
    workflow = workspace.post("/workflows", {"name": f"Announce in {title}, {chat['id']}", "steps": steps})
    path = f"/workflows/{workflow['id']}/runs"
    # The same workflow is never started twice by one call of this program, however often the network fails.
    run = workspace.post(path, {}, once=workflow["id"])
    while run["status"] in ("queued", "running"):
        time.sleep(1)
        run = workspace.get(f"{path}/{run['id']}")
    for entry in run["log"]:
        print(f"{entry['at']} step {entry['step']}: {entry['message']}")
    if run["status"] != "succeeded":
        stop(f"The run {run['id']} has {run['status']}.")
    print(f"The run {run['id']} has succeeded.")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit('usage: python workflow_automation.py "Chat title" "Text"')
    main(sys.argv[1], sys.argv[2])
