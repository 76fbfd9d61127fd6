"""A virtual environment with a server that speaks as MongoDB does, and with pymongo.

python tests/mongodb_environment.py    makes it unless it is there, and prints its directory

The server is under the GPL: a process that tests talk to, of which nothing is imported.
"""

import platform
import subprocess
import sys
from pathlib import Path

from environments import make_environment

REQUIREMENTS = Path(__file__).with_name("mongodb_requirements.txt")
TOP = REQUIREMENTS.parent.parent
VENV = TOP / ".venv-mongodb-{}.{}".format(*sys.version_info[:2])
SERVER = VENV / "bin/secantusd-py"
PACKAGES = VENV / "lib/python{}.{}/site-packages".format(*sys.version_info[:2])


class NoServerError(Exception):
    """The server cannot be had for this Python on this system."""


def make() -> None:
    """Make it unless it is there. Raises NoServerError."""
    try:
        make_environment(VENV, REQUIREMENTS, "--only-binary", "secantusdb")
    except subprocess.CalledProcessError as error:
        if "No matching distribution found for secantusdb" in error.stderr:
            what = f"secantusdb has no wheel for Python {platform.python_version()}"
            raise NoServerError(what) from None
        raise


if __name__ == "__main__":
    make()
    print(VENV)
