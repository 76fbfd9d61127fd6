"""What the READMEs show is what happens."""

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
PAGES = sorted(
    path
    for pattern in ("*.md", "src/**/*.md", "tests/**/*.md")
    for path in PROJECT.glob(pattern)
    if "node_modules" not in path.parts
)
TEXTS = "\n".join(path.read_text("utf-8") for path in PAGES)
CONSOLE_BLOCKS = re.findall(r"^```console\n(.*?)^```$", TEXTS, re.MULTILINE | re.DOTALL)
PYTHON_BLOCKS = re.findall(r"^```pycon\n(.*?)^```$", TEXTS, re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)\)")


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


def test_every_module_is_in_the_architecture() -> None:
    architecture = (PROJECT / "src" / "ltv" / "README.md").read_text("utf-8")
    modules = [path for path in (PROJECT / "src").rglob("*.py") if path.name != "__init__.py"]
    names = [path.stem if "ltv" in path.parts else path.name for path in modules]
    assert "LTV_Ingest.py" in names
    assert [name for name in names if f"`{name}`" not in architecture] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_is_short() -> None:
    assert len(README.encode()) <= 16_000
