#!/bin/sh
# Automated report with curl: the first hundred members and collections, as JSON lines.
# Scopes: read:members, read:data.
set -eu
. "$(dirname "$0")/gravity_rail.sh"

call GET "$workspace/members?limit=100"
call GET "$workspace/data?limit=100"
