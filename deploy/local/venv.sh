#!/bin/sh
# venv.sh FOLDER REQUIREMENTS: a virtual environment with exactly the pinned packages.
set -eu
folder=$1 requirements=$2
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "Python 3.11 or newer is needed; say which with PYTHON=…" >&2
  exit 1
}
if [ ! -x "$folder/bin/pip" ]; then
  echo "virtual environment …"
  rm -rf "$folder"
  if ! "$PYTHON" -m venv "$folder" >/dev/null 2>&1; then
    # Debian keeps the venv module in a package of its own.
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      apt-get -qq -y install python3-venv >/dev/null || { apt-get -qq update; apt-get -qq -y install python3-venv >/dev/null; }
      rm -rf "$folder"
      "$PYTHON" -m venv "$folder"
    else
      echo "Python's venv module is missing; install it, e.g.: apt-get install python3-venv" >&2
      exit 1
    fi
  fi
fi
echo "pinned dependencies …"
"$folder/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$requirements" 2>&1 | grep -v '^WARNING' || true
"$folder/bin/pip" check --quiet 2>/dev/null || { echo "the dependencies could not be installed" >&2; exit 1; }
