"""The program against the plain oracle, on seeded random logs full of good and bad events."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

import Main_Calculation
import oracle
import random_logs


def run_program(
    directory: Path,
    files: list[tuple[str, bytes]],
    x: int,
    options: dict[str, Any],
    *,
    has_store: bool = False,
) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
    """Exit status, the JSON with decimals as texts, and the rejects without their messages."""
    for name, data in files:
        (directory / name).write_bytes(data)
    arguments = [str(x), *(str(directory / name) for name, _ in files), "-q"]
    for name, value in options.items():
        if value is not None:
            arguments += [f"--{name}", value]
    if has_store:
        arguments += ["--store", str(directory / "store")]
    output = directory / "out.json"
    status = Main_Calculation.main([*arguments, "-o", str(output)])
    result = json.loads(output.read_text("utf-8"), parse_float=str) if output.exists() else {}
    rejects_file = directory / "out.json.rejects.jsonl"
    lines = rejects_file.read_text("utf-8").splitlines() if rejects_file.exists() else []
    rejects = [json.loads(line) for line in lines]
    for reject in rejects:
        assert reject.pop("message")
        reject["file"] = Path(reject["file"]).name
    return status, result, rejects


def compare(directory: Path, seed: int, *, may_be_hurt: bool, has_store: bool = False) -> str:
    rng = random.Random(seed)
    files = random_logs.random_files(rng, may_be_hurt=may_be_hurt)
    x, options = rng.choice([1, 3, 1000]), random_logs.random_options(rng)
    if has_store:
        options["until"] = options["until"] or "2199-12-31"  # times in these logs jump
    status, result, rejects = run_program(directory, files, x, options, has_store=has_store)
    try:
        expected = oracle.run(files, x, **options)
    except oracle.Failure as failure:
        assert (status, result) == (1, {})
        assert rejects == ([] if failure.damaged_file else failure.rejects)
        return "failure"
    assert status == 0
    assert rejects == expected.rejects
    assert result["top"] == expected.rows
    later = {"later": expected.counts["later"]} if options["until"] else {}
    counts = {name: expected.counts[name] for name in ("read", "accepted", "rejected")}
    assert result["events"] == counts | later
    for name in ("begin", "end", "customers", "visits", "orders", "images"):
        assert result[name] == getattr(expected, name), name
    return "results"


def compare_many(
    tmp_path: Path, seeds: range, *, may_be_hurt: bool, has_store: bool = False
) -> None:
    outcomes = set()
    for seed in seeds:
        directory = tmp_path / str(seed)
        directory.mkdir()
        try:
            outcomes.add(compare(directory, seed, may_be_hurt=may_be_hurt, has_store=has_store))
        except AssertionError as error:
            error.add_note(f"seed {seed}, may_be_hurt={may_be_hurt}")
            raise
    assert outcomes == {"results", "failure"}, "the logs must show both"


@pytest.mark.parametrize("may_be_hurt", [False, True])
def test_every_row_count_and_reject_agrees(tmp_path: Path, may_be_hurt: bool) -> None:
    compare_many(tmp_path, range(70), may_be_hurt=may_be_hurt)


@pytest.mark.parametrize("may_be_hurt", [False, True])
def test_every_row_count_and_reject_agrees_over_a_store(tmp_path: Path, may_be_hurt: bool) -> None:
    compare_many(tmp_path, range(200, 240), may_be_hurt=may_be_hurt, has_store=True)


@pytest.mark.slow
@pytest.mark.parametrize("may_be_hurt", [False, True])
def test_every_row_count_and_reject_agrees_on_many_logs(tmp_path: Path, may_be_hurt: bool) -> None:
    compare_many(tmp_path, range(1000, 2500), may_be_hurt=may_be_hurt)
