"""What a run on the cluster came to, and a local one, so that they can be compared."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import Main_Calculation


class Outcome(NamedTuple):
    """What a run came to; its failure in a line."""

    status: int
    failure: str
    rows: list[str]
    summary: dict[str, Any]
    rejects: list[dict[str, Any]]


def rows_of(path: Path) -> list[str]:
    return path.read_text("utf-8").split("\n")[:-1] if path.exists() else []


def sorted_rejects(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in sorted(lines)]


def outcome_of(directory: Path, status: int, said: str) -> Outcome:
    """What a run on the cluster left in `directory`, and nothing beside it."""
    assert list(directory.parent.glob(f".{directory.name}*")) == []
    committed = (directory / "_SUCCESS").exists()
    assert committed == (status == 0)
    rejects = [line for part in directory.glob("rejects/part-*") for line in rows_of(part)]
    summary = directory / "summary.json"
    return Outcome(
        status,
        said.splitlines()[-1].removeprefix("Main_Calculation.py: ") if status else "",
        rows_of(directory / "top/part-00000.jsonl"),
        json.loads(summary.read_text("utf-8")) if summary.exists() else {},
        sorted_rejects(rejects),
    )


def run_locally(
    directory: Path, arguments: list[str], capfd: pytest.CaptureFixture[str]
) -> Outcome:
    """The same run on this machine; its places are named as those of the cluster."""
    capfd.readouterr()
    rows, summary, rejects = (directory / name for name in ("rows.jsonl", "all.json", "rejects"))
    directory.mkdir()
    status = 0
    for output in (rows, summary):
        command = [*arguments, "-o", str(output), "--rejects", str(rejects)]
        status = Main_Calculation.main(command)
    said = capfd.readouterr().err.splitlines()
    known = json.loads(summary.read_text("utf-8")) if status == 0 else {}
    known.pop("top", None)
    if status == 0:
        known["rejected_for"] = known.pop("figures")["rejected_for"]
    return Outcome(
        status,
        said[-1].removeprefix("Main_Calculation.py: ") if status else "",
        rows_of(rows),
        known,
        sorted_rejects(rows_of(rejects)),
    )
