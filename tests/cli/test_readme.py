"""What README.md shows is what happens."""

import doctest
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ltv.errors
import ltv.options
import LTV_Calculate
from conftest import PROJECT

README = (PROJECT / "README.md").read_text("utf-8")
CONSOLE_BLOCKS = re.findall(r"^```console\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
PYTHON_BLOCKS = re.findall(r"^```pycon\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def copy_of_project(tmp_path: Path) -> Path:
    for name in ("src", "input"):
        shutil.copytree(PROJECT / name, tmp_path / name)
    (tmp_path / "output").mkdir()
    return tmp_path


def test_there_are_examples() -> None:
    assert CONSOLE_BLOCKS
    assert PYTHON_BLOCKS


@pytest.mark.parametrize("block", CONSOLE_BLOCKS)
def test_a_console_example_prints_what_it_shows(block: str, copy_of_project: Path) -> None:
    prompt, _, expected = block.partition("\n")
    command = prompt.removeprefix("$ ")
    path = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
    done = subprocess.run(
        command,
        shell=True,
        cwd=copy_of_project,
        env={**os.environ, "PATH": path, "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout == expected


@pytest.mark.parametrize("block", PYTHON_BLOCKS)
def test_a_python_example_gives_what_it_shows(block: str) -> None:
    example = doctest.DocTestParser().get_doctest(block, {}, "README.md", "README.md", 0)
    results = doctest.DocTestRunner().run(example)
    assert results.attempted > 0
    assert results.failed == 0


def test_every_option_is_in_the_readme() -> None:
    options = [
        option
        for action in ltv.options.command_line_parser()._actions
        for option in action.option_strings
    ]
    assert "--strict" in options
    assert [option for option in options if f"`{option}" not in README] == []


def test_every_reason_and_column_is_in_the_readme() -> None:
    names = [*ltv.errors.REASONS, *LTV_Calculate.RankedCustomer._fields]
    assert [name for name in names if f"`{name}`" not in README] == []


def test_every_module_is_in_the_readme() -> None:
    modules = [path.name for path in (PROJECT / "src").glob("*.py")]
    assert "LTV_Ingest.py" in modules
    assert [name for name in modules if f"`{name}`" not in README] == []
