#!/bin/sh
# Custom dashboard with curl: members, chats, and the messages of the first chat, as JSON lines.
# Scopes: read:chats, read:members.
set -eu
. "$(dirname "$0")/gravity_rail.sh"

call GET "$workspace/members?limit=100"
chats=$(call GET "$workspace/chats?limit=100")
printf '%s\n' "$chats"
chat=$(printf '%s' "$chats" | first id)
[ -z "$chat" ] || call GET "$workspace/chats/$chat/messages?limit=100"
