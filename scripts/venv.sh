#!/usr/bin/env bash
# Makes .venv ready: `scripts/venv.sh run` for the app, `scripts/venv.sh test` for the checks and tests as well.
# Quick when nothing changed: a stamp in .venv remembers what was installed from which files.
set -euo pipefail
cd "$(dirname "$0")/.."
for_what=${1:-run}
python=.venv/bin/python
stamp=.venv/.parlour-$for_what

usable='import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))'

find_python() {
  local name
  for name in ${PARLOUR_PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
    if "$name" -c "$usable" >/dev/null 2>&1; then
      echo "$name"
      return
    fi
  done
  echo "Parlour needs Python 3.11 or newer with its venv module (on Debian and Ubuntu: apt install python3-venv)." >&2
  echo "If it has an unusual name, say PARLOUR_PYTHON=/path/to/python make $for_what." >&2
  return 1
}

if ! "$python" -c "$usable" >/dev/null 2>&1; then
  found=$(find_python)
  echo "Creating .venv with $("$found" --version)"
  rm -rf .venv
  "$found" -m venv .venv
fi

wanted=$(cat pyproject.toml constraints.txt | cksum)
if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
  exit 0
fi

extra=""
[ "$for_what" = test ] && extra="[test]"
echo "Installing what Parlour needs into .venv (the first time takes a minute or two)"
"$python" -m pip install --quiet --disable-pip-version-check -c constraints.txt ".$extra"
echo "$wanted" >"$stamp"
