# What the curl programs beside this file share; they read it with `.`
# The key goes to curl by standard input: the arguments of a process are for all to see.

: "${GRAVITY_API_KEY:?is not set}"
api="${GRAVITY_API:-http://127.0.0.1:8000}/api/v2"
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

call() { # call METHOD PATH [more for curl]: prints the answer, or one line and ends
  method=$1 path=$2
  shift 2
  status=$(printf 'header = "Authorization: Bearer %s"\n' "$GRAVITY_API_KEY" |
    curl -sS -K - -o "$answer" -w '%{http_code}' -X "$method" -H 'Content-Type: application/json' "$@" "$api$path") ||
    exit 1
  case $status in
    2*) cat "$answer" && echo ;;
    *)
      echo "$(field code <"$answer"): $(field detail <"$answer") ($(field request_id <"$answer"))" >&2
      exit 1 ;;
  esac
}

field() { # field NAME: the first text of that name in the JSON on standard input
  sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" | head -n 1
}

first() { # first NAME: as `field`, where JSON is all on one line and the name comes more than once
  tr ',{' '\n\n' | field "$1"
}

key=$(call GET /key)
workspace=/w/$(printf '%s' "$key" | first workspace_id)
