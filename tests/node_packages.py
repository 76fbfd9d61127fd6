"""What tests need of Node.js: the packages that a package.json names."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest


def cannot(why: str) -> NoReturn:
    """Skips, or fails where the tests must run, as in .ci/run."""
    if os.environ.get("LTV_NODE_REQUIRED") == "1":
        pytest.fail(why)
    pytest.skip(why)


def node_with_packages(directory: Path) -> str:
    """The command `node`, with the packages of `directory`/package.json installed beside that."""
    node, npm = map(shutil.which, ("node", "npm"))
    if not (node and npm):
        cannot("node and npm are needed, on Debian: apt-get install npm")
    wanted = json.loads((directory / "package.json").read_text("utf-8"))["dependencies"]
    installed = {name: directory / "node_modules" / name / "package.json" for name in wanted}
    if not all(
        path.exists() and json.loads(path.read_text("utf-8"))["version"] == wanted[name]
        for name, path in installed.items()
    ):
        command = [npm, "install", "--no-package-lock", "--no-fund", "--no-audit"]
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
        if done.returncode:
            cannot(f"npm cannot install what {directory}/package.json names: {done.stderr[-300:]}")
    return node
