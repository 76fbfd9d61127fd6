"""What a signal does that asks the run to end, wherever it comes."""

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import ltv.output.target
import ltv.signals
from conftest import Done
from ltv.output.target import TemporaryDirectory
from ltv.signals import Interrupted
from ltv.store.session import Session

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")


@pytest.fixture(autouse=True)
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    handlers = {number: signal.getsignal(number) for number in ltv.signals.ENDING_SIGNALS}
    ltv.signals.listen()
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


class Freed:
    """Calls `action` when it is freed; what that raises, nobody can catch."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action = action

    def __del__(self) -> None:
        self._action()


@pytest.mark.parametrize("number", ltv.signals.ENDING_SIGNALS)
def test_a_signal_while_something_is_freed_comes_again(number: signal.Signals):
    with pytest.raises(Interrupted) as caught:
        Freed(lambda: signal.raise_signal(number))
        begin = time.monotonic()
        while time.monotonic() < begin + 20:
            time.sleep(1)
    assert caught.value.status == 128 + number
    assert str(caught.value) == f"interrupted by {number.name}"


def test_other_errors_while_something_is_freed_are_told(capsys: pytest.CaptureFixture[str]):
    def fail() -> None:
        raise ValueError("freed")

    Freed(fail)
    assert capsys.readouterr().err.endswith("ValueError: freed\n")


def test_no_memory_to_free_something_is_not_told(capsys: pytest.CaptureFixture[str]):
    def fail() -> None:
        raise MemoryError

    Freed(fail)
    assert capsys.readouterr().err == ""


def test_what_is_ignored_stays_ignored():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    ltv.signals.listen()
    signal.raise_signal(signal.SIGHUP)


def test_what_is_held_back_is_heard_later():
    steps = []
    with pytest.raises(Interrupted, match=r"^interrupted by SIGTERM$"), ltv.signals.held_back():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        steps.append("done")
    assert steps == ["done"]
    with ltv.signals.held_back():
        steps.append("undisturbed")


def test_undisturbed():
    with ltv.signals.undisturbed():
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(Interrupted):
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)  # it unwinds already
    assert signal.getsignal(signal.SIGINT) is not ltv.signals.interrupt


def test_a_signal_when_the_lock_of_a_temporary_directory_is_closed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    close = os.close

    def close_and_signal(descriptor: int) -> None:
        close(descriptor)
        signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Interrupted), TemporaryDirectory(str(tmp_path)):
        monkeypatch.setattr(os, "close", close_and_signal)
    assert os.listdir(tmp_path) == []


def test_a_signal_just_before_a_temporary_directory_is_removed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    def signal_first() -> contextlib.AbstractContextManager[None]:
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError("the signal was heard")

    with pytest.raises(Interrupted), TemporaryDirectory(str(tmp_path)):
        monkeypatch.setattr(ltv.output.target, "held_back", signal_first)
    assert os.listdir(tmp_path) == []


def test_a_signal_while_a_store_keeps_a_run(
    run: Callable[..., Done], in_tmp: Path, monkeypatch: pytest.MonkeyPatch
):
    keep = Session.keep

    def signal_and_keep(session: Session) -> None:
        signal.raise_signal(signal.SIGTERM)
        keep(session)

    monkeypatch.setattr(Session, "keep", signal_and_keep)
    event = {"type": "CUSTOMER", "verb": "NEW", "key": "c", "event_time": "2017-01-01"}
    Path("log").write_text(json.dumps(event))
    assert run(10, "log", "--store", "store", "-o", "out.csv", "-q") == (
        143,
        "",
        "Main_Calculation.py: interrupted by SIGTERM; the store store has all of this run, though: "
        "the same command without files writes the results\n",
    )
    assert sorted(os.listdir()) == ["log", "store"]
