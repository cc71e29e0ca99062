#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image: Python and the grader's environment.
set -euo pipefail
root=${AUTOGRADER_ROOT:-/autograder}
export CHATKIT_GRADER_VENV=${CHATKIT_GRADER_VENV:-$root/environment}

newest_python() {
  local name
  for name in python3.13 python3.12 python3.11 python3; do
    if "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
      command -v "$name"
      return
    fi
  done
}

python=$(newest_python)
if [[ -z $python ]]; then
  apt-get update
  DEBIAN_FRONTEND=noninteractive apt-get install -y python3.11 python3.11-venv
  python=$(newest_python)
fi
# Whatever is asked of a lesson installs what it needs, also where it is an elective.
"$python" "$root/source/grade.py" list lesson06
