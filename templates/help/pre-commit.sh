#!/bin/sh
# Refuses a commit with an API key of Gravity Rail in it.
# Save it as .git/hooks/pre-commit and make it executable. It needs gitleaks 8.25 or newer:
# https://github.com/gitleaks/gitleaks
set -eu
if ! command -v gitleaks > /dev/null; then
  echo "pre-commit: gitleaks is not installed, so nobody looked for keys. Install it, then commit again." >&2
  exit 1
fi
rules=$(mktemp)
trap 'rm -f "$rules"' EXIT
cat > "$rules" << 'RULES'
{{ rule }}
RULES
gitleaks git --pre-commit --staged --redact --no-banner --verbose --config "$rules"
