"""Run every check of the project, in a virtual environment of its own.

    python tests/run.py                  ruff, mypy, the whole suite on all processors
    python tests/run.py --coverage       the same under coverage, which takes longer
    python tests/run.py tests/cli      ruff, mypy, pytest with these arguments

Needs Python 3.11+ and nothing else.  Paths are taken from the project's top.
The environment is .venv-<major>.<minor>, made anew when requirements.txt or the
Python behind it changes, or when making it was interrupted.

This file must stay parseable by Python 3.6, so that an older Python gets one clear
line instead of a SyntaxError: annotations in newer syntax are quoted.
"""

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

OLDEST = (3, 11)
TOP = Path(__file__).resolve().parent.parent
REQUIREMENTS = TOP / "requirements.txt"
VENV = TOP / ".venv-{}.{}".format(*sys.version_info[:2])
STAMP = VENV / "made-from.txt"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
WHOLE_SUITE = ("-n", "auto")
NOT_PASSED_ON = ("VIRTUAL_ENV", "__PYVENV_LAUNCHER__", "MYPYPATH")
NOT_PASSED_ON_PREFIXES = ("PYTHON", "COVERAGE_")


class SetupError(Exception):
    """The virtual environment cannot be made; the text is one clear line."""


def clean_environment() -> "dict[str, str]":
    """Return the environment without what would change which Python code is run."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in NOT_PASSED_ON and not name.startswith(NOT_PASSED_ON_PREFIXES)
    }


def call(*command: str, quiet: bool = False) -> int:
    """Run a command at the project's top; when quiet, show its output only if it fails."""
    sys.stdout.flush()
    done = subprocess.run(
        command,
        cwd=str(TOP),
        env=clean_environment(),
        check=False,
        stdin=subprocess.DEVNULL if quiet or sys.stdin is None else None,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
    )
    if quiet and done.returncode != 0:
        sys.stdout.write(done.stdout.decode(errors="replace"))
        sys.stdout.flush()
    return done.returncode


def tool(*arguments: str, quiet: bool = False) -> int:
    """Run a module of the virtual environment, by name, with arguments."""
    return call(str(PYTHON), "-m", *arguments, quiet=quiet)


def stamp_text() -> str:
    """Return what the environment is made from; any difference means making it anew."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    return f"requirements {digest}\npython {platform.python_version()} {sys.base_prefix}\n"


def venv_is_current(wanted: str) -> bool:
    """Tell whether the environment was finished, and made from what is wanted now."""
    try:
        return PYTHON.exists() and STAMP.read_text(encoding="utf-8") == wanted
    except (OSError, ValueError):
        return False


def remove_venv() -> None:
    """Remove the environment, its stamp first: an interruption must not leave it valid."""
    if STAMP.exists():
        STAMP.unlink()
    if VENV.exists():
        shutil.rmtree(str(VENV))


def make_venv() -> None:
    """Make the environment unless it is current; the stamp is written last."""
    wanted = stamp_text()
    if venv_is_current(wanted):
        return
    if not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        raise SetupError(
            "this Python has no venv or ensurepip module; on Debian or Ubuntu: "
            "apt-get install python3-venv (or python{}.{}-venv)".format(*sys.version_info[:2])
        )
    print(f"== making {VENV.name}")
    remove_venv()
    # Inside a virtual environment (it may be the one just removed) use the Python behind it.
    base = getattr(sys, "_base_executable", None) or sys.executable
    if call(base, "-m", "venv", str(VENV), quiet=True) != 0:
        raise SetupError(f"making the virtual environment {VENV.name} failed (see above)")
    install = ["pip", "--disable-pip-version-check", "install", "--quiet", "-r", str(REQUIREMENTS)]
    if tool(*install, quiet=True) != 0:
        raise SetupError(f"pip could not install {REQUIREMENTS.name} (see above)")
    STAMP.write_text(wanted, encoding="utf-8")


def measured_suite(pytest_arguments: "Sequence[str]") -> "dict[str, bool]":
    """Run pytest under coverage, subprocesses included; report."""
    tool("coverage", "erase", quiet=True)
    print("== pytest")
    passed = tool("coverage", "run", "-m", "pytest", *(pytest_arguments or WHOLE_SUITE)) == 0
    print("== coverage")
    combined = tool("coverage", "combine", "--quiet", quiet=True) == 0
    covered = combined and tool("coverage", "report") == 0
    return {"pytest": passed, "coverage": covered}


def run_checks(pytest_arguments: "Sequence[str]") -> "dict[str, bool]":
    """Run all checks, also after a failure; return which of them passed."""
    results = {}
    print("== ruff")
    results["ruff"] = tool("ruff", "check") == 0
    print("== ruff format")
    results["ruff format"] = tool("ruff", "format", "--check") == 0
    print("== mypy")
    results["mypy"] = tool("mypy") == 0
    if "--coverage" in pytest_arguments:
        results.update(measured_suite([one for one in pytest_arguments if one != "--coverage"]))
        return results
    print("== pytest")
    results["pytest"] = tool("pytest", *(pytest_arguments or WHOLE_SUITE)) == 0
    return results


def main(argv: "Sequence[str] | None" = None) -> int:
    """Make the environment, run the checks, return the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    if sys.version_info < OLDEST:
        found = platform.python_version()
        sys.stderr.write(f"tests/run.py needs Python 3.11 or newer; this is Python {found}.\n")
        return 1
    try:
        make_venv()
        results = run_checks(arguments)
    except (SetupError, OSError) as error:
        sys.stderr.write(f"tests/run.py: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("tests/run.py: interrupted\n")
        return 130
    failed = [name for name, passed in results.items() if not passed]
    version = platform.python_version()
    if failed:
        print(f"FAILED (Python {version}): {', '.join(failed)}")
        return 1
    print(f"Passed (Python {version}): {', '.join(results)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
