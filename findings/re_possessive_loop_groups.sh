#!/usr/bin/env bash
# A possessive loop of CPython's re (3.11.7, 3.12.1, 3.13.0 seen) loses what a group held from an
# earlier turn, if an alternative begins with the group and fails in a later turn: the begin of the
# group has moved by then, its end has not. After one such turn both are the same place, and the
# group is just empty, without an error; after two it is a SystemError ("The span of capturing group
# is wrong"). A greedy loop, an atomic group around one, and the regex package keep what was held.
#
# One pattern for the members of a JSON object in any order is such a loop (the last of a member
# that comes twice is to count): let each turn be atomic, and the loop greedy.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet regex==2026.11.19
"$work/venv/bin/python" - <<'PYTHON'
import platform
import re

import regex

LOOPS = {
    "possessive": "(?:(NEW)|UPDATE)*+",
    "greedy": "(?:(NEW)|UPDATE)*",
    "atomic around greedy": "(?>(?:(NEW)|UPDATE)*)",
    "greedy of atomic": "(?:(?>(NEW)|UPDATE))*",
}


def held(module, loop, text):
    try:
        return module.fullmatch(loop, text)[1]
    except SystemError as error:
        return f"SystemError: {error}"


print("CPython", platform.python_version(), "regex", regex.__version__)
for module in (re, regex):
    for name, loop in LOOPS.items():
        once, twice = held(module, loop, "NEWUPDATE"), held(module, loop, "NEWUPDATEUPDATE")
        print(f"{module.__name__}, {name}: {once!r} {twice!r}")
        if (module, name) == (re, "possessive"):
            assert once == "", "re has changed"
            assert twice.startswith("SystemError: The span of capturing group"), "re has changed"
        else:
            assert (once, twice) == ("NEW", "NEW"), "something else has changed"
PYTHON
echo "As described."
