"""What is said of a limit of the machine, and that nothing else is taken for one."""

import errno

import pytest

from ltv.errors import OUT_OF_MEMORY, shortage_of


def chained(error: BaseException, cause: BaseException | None, context: BaseException) -> Exception:
    """An error that came of another, or that was raised while another was dealt with."""
    error.__cause__, error.__context__ = cause, context
    assert isinstance(error, Exception)
    return error


MISSING = ImportError("No module named 'x'")
MANY = OSError(errno.EMFILE, "Too many open files", "log")

LIMITS: dict[str, list[Exception]] = {
    OUT_OF_MEMORY: [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        chained(KeyError(1), None, MemoryError()),
    ],
    "log: Too many open files; ulimit -n sets how many": [MANY, chained(KeyError(1), MANY, MANY)],
    "a module of Python cannot be loaded: No module named 'x'": [
        MISSING,
        chained(ValueError(), MISSING, MISSING),
    ],
    "no more threads can be started; ulimit -u sets how many": [
        RuntimeError("can't start new thread"),
    ],
    "": [KeyError(1), chained(KeyError(1), None, MISSING), OSError(errno.ENOENT, "No such file")],
}


@pytest.mark.parametrize(
    ("said", "error"), [(said, error) for said, errors in LIMITS.items() for error in errors]
)
def test_which_limit_was_hit(said: str, error: Exception):
    assert shortage_of(error) == said
