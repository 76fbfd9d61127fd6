"""Arguments of the command line: what is said of those that are wrong, and what is near them."""

import argparse
from collections.abc import Iterable, Sequence
from itertools import takewhile
from textwrap import wrap
from typing import NoReturn

from ltv.errors import LTVError

PROGRAM = "Main_Calculation.py"


class UsageError(LTVError):
    """A mistake on the command line; its text is one line and ends with an example."""


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """A formatter that breaks no name, such as that of a segment, at its hyphen."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return wrap(text, width, break_on_hyphens=False)


class CommandLineParser(argparse.ArgumentParser):
    """An argparse parser that raises UsageError."""

    example = f"python {PROGRAM} 10 logs/ -o top.csv"

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with this message and an example."""
        raise UsageError(f"{message}; for example: {self.example}")

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """Raise UsageError for arguments that are neither options nor what belongs to one."""
        names = [name for action in self._actions for name in action.option_strings]
        long_names = [name for name in names if name.startswith("--")]
        near = [nearest(argument.partition("=")[0], long_names) for argument in unknown]
        expected = " and ".join(filter(None, near)) or "an option that --help lists"
        self.error(f"unrecognized arguments: {' '.join(unknown)}, expected {expected}")


def refusal(text: str, expected: str) -> argparse.ArgumentTypeError:
    """Return what argparse reports for a value `text` that is not as `expected`."""
    return argparse.ArgumentTypeError(f"given '{text}', expected {expected}")


def nearest(given: str, names: Iterable[str]) -> str | None:
    """Return the first of `names` that one slip makes `given` of, case aside; None for none.

    A slip is a letter too many, too few, or another one, or two letters in the other order.
    """
    return next((name for name in names if is_slip(given.lower(), name)), None)


def is_slip(given: str, meant: str) -> bool:
    """Return whether the two differ in no more than what one slip does."""
    alike = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(given, meant, strict=False))
    )
    wrong, right = given[alike:], meant[alike:]
    another_letter = wrong[1:] == right[1:]
    too_many = wrong[1:] == right
    too_few = wrong == right[1:]
    other_order = wrong[1::-1] + wrong[2:] == right
    return another_letter or too_many or too_few or other_order


def one_of(names: Sequence[str], text: str) -> str:
    """Return `text` if it is one of `names`; the error names the nearest one."""
    if text in names:
        return text
    *others, last = names
    meant = nearest(text, names)
    raise refusal(text, f"{', '.join(others)} or {last}" + (f", perhaps {meant}" if meant else ""))
