"""A few inputs of the fuzz target in every run of the tests, and that it finds what is wrong."""

import os
import time
from pathlib import Path

import pytest

import fuzz
import ltv.reading.decoding
import ltv.reading.units
import ltv.reading.window


def test_a_few_inputs(tmp_path: Path):
    tally = fuzz.fuzz(tmp_path, 3, inputs=250)
    assert tally.inputs == 250
    assert tally.damaged > 0 < tally.rejecting
    assert os.listdir(tmp_path) == ["input"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 14))
def test_many_inputs(seed: int, tmp_path: Path):
    assert fuzz.fuzz(tmp_path, seed, inputs=10_000).inputs == 10_000


def test_the_command_says_how_much_it_did(capsys: pytest.CaptureFixture[str]):
    assert fuzz.main(["--inputs", "20", "--seed", "5"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("20 inputs with seed 5: ")
    assert out.endswith(" with rejects, no difference\n")


def test_no_time_is_no_input(capsys: pytest.CaptureFixture[str]):
    assert fuzz.main(["--seconds", "0"]) == 0
    assert capsys.readouterr().out.startswith("0 inputs with seed ")


def test_the_time_begins_when_the_seeds_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def slow(rng: object) -> list[bytes]:
        time.sleep(0.5)
        return [b"[]"]

    monkeypatch.setattr(fuzz, "corpus", slow)
    assert fuzz.fuzz(tmp_path, 1, inputs=1, seconds=0.5).inputs == 1


def raise_what_nobody_expects(window: object, length: int) -> str:
    raise IndexError("planted")


@pytest.mark.parametrize(
    ("owner", "name", "planted"),
    [
        (ltv.reading.units, "_FOLLOWERS", ("", ",", " ", "\n")),  # another verdict
        (ltv.reading.decoding, "_LONGEST_LITERAL", 0),  # another verdict in small slices alone
        (ltv.reading.window.Window, "advance", raise_what_nobody_expects),
    ],
    ids=["verdict", "slices", "exception"],
)
def test_a_planted_fault_is_found(
    owner: object,
    name: str,
    planted: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr(owner, name, planted)
    monkeypatch.setattr("tempfile.mkdtemp", lambda prefix: str(tmp_path))
    assert fuzz.main(["--inputs", "3000", "--seed", "1", "--seconds", "600"]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    (kept,) = tmp_path.iterdir()
    assert line.startswith(f"{kept}: seed 1, input ")
    assert kept.name.startswith("input-1-")
    again = kept.read_bytes()
    kept.unlink()
    assert fuzz.main(["--inputs", "3000", "--seed", "1", "--seconds", "600"]) == 1
    assert kept.read_bytes() == again
