#!/bin/sh
# Makes sure that the programs the tests start are installed: tests/install-tools.sh [chromium|postgresql|redis|wrk ...]
# Silent and quick when they are; otherwise it asks the system's package manager for them.
set -eu
cd "$(dirname "$0")/.."

has() { # has TOOL
  case $1 in
    chromium)
      for name in chromium chromium-browser google-chrome; do command -v $name >/dev/null && return; done
      for file in /Applications/*Chrom*.app \
        "${PLAYWRIGHT_BROWSERS_PATH:-$HOME/.cache/ms-playwright}"/chromium-* \
        "$HOME"/Library/Caches/ms-playwright/chromium-*; do
        [ -e "$file" ] && return
      done
      return 1 ;;
    postgresql)
      for dir in $(echo "$PATH" | tr ':' ' ') /usr/lib/postgresql/*/bin /usr/pgsql-*/bin \
        /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin; do
        [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ] && [ -x "$dir/pg_ctl" ] && return
      done
      return 1 ;;
    redis) command -v redis-server >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_be_root() {
  [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}

apt_install() {
  if [ "$*" = postgresql ]; then
    # The tests start servers of their own: keep Debian from creating and starting one at installation.
    as_root mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] ||
      echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf
  fi
  [ -n "${apt_updated:-}" ] || as_root apt-get update
  apt_updated=1
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

install() { # install TOOL, with whichever package manager there is
  if can_be_root && command -v apt-get >/dev/null; then
    case $1 in
      chromium) apt_install chromium fonts-dejavu-core ;;
      redis) apt_install redis-server ;;
      *) apt_install "$1" ;;
    esac
  elif can_be_root && command -v dnf >/dev/null; then
    case $1 in
      postgresql) as_root dnf install -y postgresql-server ;;
      *) as_root dnf install -y "$1" ;;
    esac
  elif can_be_root && command -v apk >/dev/null; then
    case $1 in
      chromium) as_root apk add chromium font-dejavu ;;
      *) as_root apk add "$1" ;;
    esac
  elif can_be_root && command -v pacman >/dev/null; then
    as_root pacman -Sy --needed --noconfirm "$1"
  elif [ "$1" != chromium ] && command -v brew >/dev/null; then
    brew install "$1"
  fi
}

[ $# -gt 0 ] || set -- chromium postgresql redis
for tool in "$@"; do
  has "$tool" && continue
  echo "Installing $tool"
  log=$(mktemp)
  install "$tool" >"$log" 2>&1 </dev/null || true
  if [ "$tool" = chromium ] && ! has chromium && [ -x .venv/bin/playwright ]; then
    .venv/bin/playwright install chromium >>"$log" 2>&1 </dev/null || true
  fi
  has "$tool" || {
    tail -n 5 "$log" >&2
    echo "$tool is missing and could not be installed: get it with your package manager, then run this again" >&2
    exit 1
  }
  rm -f "$log"
done
