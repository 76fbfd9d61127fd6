"""Virtual environments of their own, for servers and peers: nothing of them is with the tests."""

import hashlib
import platform
import subprocess
import sys
import venv
from pathlib import Path


def make_environment(directory: Path, requirements: Path, *pip_options: str) -> None:
    """Make the environment unless it is there; what it was made from is written last.

    Raises CalledProcessError with what pip says where it cannot install the `requirements`.
    """
    stamp = directory / "made-from.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    wanted = f"requirements {digest}\npython {platform.python_version()} {sys.base_prefix}\n"
    if stamp.exists() and stamp.read_text("utf-8") == wanted:
        return
    print(f"== making {directory.name}", file=sys.stderr, flush=True)
    venv.create(directory, clear=True, with_pip=True)
    pip = [str(directory / "bin/python"), "-m", "pip", "--disable-pip-version-check", "install"]
    install = [*pip, "--quiet", *pip_options, "-r", str(requirements)]
    done = subprocess.run(install, check=False, stderr=subprocess.PIPE, text=True)
    sys.stderr.write(done.stderr)
    done.check_returncode()
    stamp.write_text(wanted, encoding="utf-8")
