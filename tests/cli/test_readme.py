"""What the READMEs show is what happens."""

import doctest
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ltv.errors
import ltv.options
import LTV_Calculate
from conftest import PROJECT, Done, shown_on_terminal

README = (PROJECT / "README.md").read_text("utf-8")
PAGES = sorted(
    path
    for pattern in ("*.md", "src/**/*.md", "tests/**/*.md")
    for path in PROJECT.glob(pattern)
    if "node_modules" not in path.parts
)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = {path: BLOCK.findall(path.read_text("utf-8")) for path in PAGES}
PAGES_WITH_COMMANDS = [
    path for path in PAGES if any(kind in ("console", "sh") for kind, _ in BLOCKS[path])
]
PYTHON_BLOCKS = [text for path in PAGES for kind, text in BLOCKS[path] if kind == "pycon"]
(RECIPE,) = (
    text for path in PAGES for kind, text in BLOCKS[path] if kind == "sh" and "case $" in text
)
LINK = re.compile(r"\]\(([^)#:]+)\)")


@pytest.fixture
def copy_of_project(tmp_path: Path) -> Path:
    for name in ("src", "input"):
        shutil.copytree(PROJECT / name, tmp_path / name)
    (tmp_path / "output").mkdir()
    return tmp_path


def shell(script: str, directory: Path) -> str:
    """Return what a shell shows that is given this script in this directory, with its Python.

    It has a terminal of 80 columns.
    """
    path = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
    env = {**os.environ, "PATH": path, "PYTHONUTF8": "1", "TERM": "dumb", "COLUMNS": "80"}

    def begin(terminal: int) -> "subprocess.Popen[bytes]":
        where: dict[str, Any] = {"cwd": directory, "stdout": terminal, "stderr": terminal}
        process = subprocess.Popen(["sh", "-e"], stdin=subprocess.PIPE, env=env, **where)
        assert process.stdin is not None
        with process.stdin:
            process.stdin.write(script.encode())
        return process

    done: tuple[int, str] = shown_on_terminal(80, begin)
    assert done[0] == 0, done
    return done[1]


def test_there_are_examples() -> None:
    assert PROJECT / "README.md" in PAGES_WITH_COMMANDS
    assert PYTHON_BLOCKS


def relative(page: Path) -> str:
    return str(page.relative_to(PROJECT))


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS, ids=relative)
def test_the_commands_of_a_page_work_one_after_another(page: Path, copy_of_project: Path) -> None:
    """In one shell, from the top; what a page shows of their output is what they print."""
    marker = "-- the end of a block --\n"
    commands, shown = [], []
    for kind, text in BLOCKS[page]:
        if kind == "console":
            prompt, _, output = text.partition("\n")
            commands.append(prompt.removeprefix("$ "))
            shown.append(output)
        elif kind == "sh":
            commands.append(text.replace("python tests/run.py", "true"))  # this is run by it
            shown.append("")
    script = "".join(f"{command}\nprintf '%s' '{marker}'\n" for command in commands)
    printed = shell(script, copy_of_project).split(marker)[:-1]
    assert len(printed) == len(shown)
    assert [one if other else "" for one, other in zip(printed, shown, strict=True)] == shown


@pytest.mark.parametrize(
    ("given", "put", "said", "is_new"),
    [
        ("", "", "", True),
        (
            "--max-rejects 100",
            "--max-rejects 16",
            "too many bad events, the ranking is still the last one: "
            "see output/top.csv.rejects.jsonl\n",
            False,
        ),
        (
            " input ",
            " other ",
            "no new ranking, status 1: the line above says why; "
            "once that is mended, run it again\n",
            False,
        ),
    ],
    ids=["well", "rejects", "failed"],
)
def test_the_recipe_for_cron(given, put, said, is_new, copy_of_project: Path) -> None:
    printed = shell(RECIPE.replace(given, put, 1) if given else RECIPE, copy_of_project)
    lines = printed.splitlines(keepends=True)
    assert "".join(lines[1:] if said else lines) == said
    assert (copy_of_project / "output" / "top.csv").exists() == is_new


def test_the_events_shown_are_accepted(run: Callable[..., Done], make_file: Callable[..., str]):
    (events,) = (text for kind, text in BLOCKS[PROJECT / "README.md"] if kind == "json")
    done = run(1, make_file(events), "-o", "-")
    assert done.status == 0
    assert done.err.startswith("Read 3 events from 1 file: 3 accepted, 0 rejected.\n")


def test_what_is_said_of_an_archive_is_as_shown(run: Callable[..., Done], in_tmp: Path) -> None:
    with zipfile.ZipFile("logs.zip", "w") as archive:
        archive.writestr("a.jsonl", "{}")
    done = run(1, "logs.zip")
    assert done.status == 1
    assert f"\n    {done.err.removeprefix('Main_Calculation.py: ')}" in README


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


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_is_short() -> None:
    assert len(README.encode()) <= 16_000
