"""A virtual environment with a server that speaks as MongoDB does, and with pymongo.

python tests/mongodb_environment.py    makes it unless it is there, and prints its directory

The server is under the GPL: a process that tests talk to, of which nothing is imported.
"""

import hashlib
import platform
import subprocess
import sys
import venv
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("mongodb_requirements.txt")
TOP = REQUIREMENTS.parent.parent
VENV = TOP / ".venv-mongodb-{}.{}".format(*sys.version_info[:2])
STAMP = VENV / "made-from.txt"
PYTHON = VENV / "bin/python"
SERVER = VENV / "bin/secantusd-py"
PACKAGES = VENV / "lib/python{}.{}/site-packages".format(*sys.version_info[:2])


class NoServerError(Exception):
    """The server cannot be had for this Python on this system."""


def make() -> None:
    """Make it unless it is there; what it was made from is written last. Raises NoServerError."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    wanted = f"requirements {digest}\npython {platform.python_version()} {sys.base_prefix}\n"
    if STAMP.exists() and STAMP.read_text("utf-8") == wanted:
        return
    venv.create(VENV, clear=True, with_pip=True)
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    install = [*pip, "--only-binary", "secantusdb", "-r", str(REQUIREMENTS)]
    done = subprocess.run(install, check=False, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        if "No matching distribution found for secantusdb" in done.stderr:
            raise NoServerError(f"secantusdb has no wheel for Python {platform.python_version()}")
        sys.stderr.write(done.stderr)
        done.check_returncode()
    STAMP.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    make()
    print(VENV)
