#!/bin/sh
# Workflow automation with curl: ./workflow_automation.sh
# Opens a chat, makes a workflow that posts to it, runs it and waits for the outcome.
# Scopes: write:chats, write:workflows.
set -eu
. "$(dirname "$0")/gravity_rail.sh"

made=$(call POST "$workspace/chats" -d '{"title": "Deploy notes"}')
chat=$(printf '%s' "$made" | first id)
step="{\"action\": \"send_message\", \"chat_id\": \"$chat\", \"text\": \"Version 42 is out.\"}"
made=$(call POST "$workspace/workflows" -d "{\"name\": \"Announce $chat\", \"steps\": [$step]}")
runs=$workspace/workflows/$(printf '%s' "$made" | first id)/runs
run=$(call POST "$runs" -d '{}')
id=$(printf '%s' "$run" | first id)
while status=$(printf '%s' "$run" | first status) && [ "$status" = queued ] || [ "$status" = running ]; do
  sleep 1
  run=$(call GET "$runs/$id")
done
printf '%s\n' "$run"
[ "$status" = succeeded ]
