#!/bin/sh
# venv.sh FOLDER REQUIREMENTS: a virtual environment with the pinned packages, whose hashes are checked.
# PYTHON says which interpreter; if that one is too old, a newer one on PATH is taken.
set -eu
folder=$1 requirements=$2

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

for python in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11 none; do
  if [ "$python" = none ]; then
    echo "Python 3.11 or newer is needed; say which with PYTHON=…" >&2
    exit 1
  fi
  if new_enough "$python"; then break; fi
done

install_venv_module() {
  # Debian keeps it in packages of their own.
  package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
  if ! command -v apt-get >/dev/null; then
    echo "Python's venv module is missing; install it with this system's package manager" >&2
    exit 1
  fi
  if [ "$(id -u)" = 0 ]; then
    as_root=
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
  else
    echo "Python's venv module is missing; install it first: sudo apt-get install $package" >&2
    exit 1
  fi
  echo "installing $package …"
  apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y"
  $apt install "$package" >/dev/null 2>&1 || { $apt update >/dev/null && $apt install "$package" >/dev/null; }
}

if ! { [ -x "$folder/bin/python" ] && new_enough "$folder/bin/python" && "$folder/bin/python" -m pip --version; } \
  >/dev/null 2>&1; then
  echo "virtual environment …"
  rm -rf "$folder"
  if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then install_venv_module; fi
  "$python" -m venv "$folder"
fi
echo "pinned dependencies …"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --root-user-action=ignore \
  --require-hashes -r "$requirements"
