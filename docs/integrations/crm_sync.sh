#!/bin/sh
# CRM sync with curl, one contact: ./crm_sync.sh ada@example.com "Ada Moreau"
# Shows the first hundred members, then adds one. Called again within a day, it adds nobody and shows the same.
# Scopes: read:members, write:members.
set -eu
[ $# -eq 2 ] || { echo 'usage: ./crm_sync.sh EMAIL NAME' >&2; exit 2; }
. "$(dirname "$0")/gravity_rail.sh"

text() { # text VALUE: as a JSON string
  printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"
}

call GET "$workspace/members?limit=100"
once=$(printf '%s %s' "$1" "$2" | cksum | tr ' ' '-')
made=$(call POST "$workspace/members" -H "Idempotency-Key: contact-$once" -d "{\"email\": $(text "$1"), \"name\": $(text "$2")}")
call GET "$workspace/members/$(printf '%s' "$made" | first id)"
