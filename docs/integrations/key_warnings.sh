#!/bin/sh
# Fails a build before its key does, with curl: exit status 1 when the key was replaced, or ends within 14 days.
# The key goes to curl by standard input: the arguments of a process are for all to see.
set -eu
url="${GRAVITY_API:-http://127.0.0.1:8000}/api/v2/key"
fields=$(printf 'header = "Authorization: Bearer %s"\n' "${GRAVITY_API_KEY:?is not set}" |
  curl -sS -f -K - -o /dev/null -D - "$url") || exit 1
if printf '%s' "$fields" | grep -i '^sunset:' >&2; then
  echo "This API key stops working then. Take the new one, or ask for more time:" >&2
  printf '%s' "$fields" | sed -n 's/^[Ll]ink: <\([^>]*\)>.*/\1/p' >&2
  exit 1
fi
