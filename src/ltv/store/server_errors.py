"""What can be wrong with a server, as one line of ours: a driver's may name what is secret."""

import contextlib
from collections.abc import Iterator
from typing import Any

from ltv.address import Address
from ltv.errors import FileError, LTVError, reason_of

CHANGED = "another run changed this store meanwhile, try again"
LOST = "the connection to the server was lost; the same command again does no harm"

DAMAGED = (
    "this store is damaged: it is not as it was written; "
    "restore a copy, or make it anew from the logs"
)

_LONGEST_REASON = 200

#: By the code that the server gives.
_CAUSES = {
    13: "the server does not let this user read and write this database",
    18: "the server refuses this user and password",
    26: CHANGED,  # NamespaceNotFound, and
    175: CHANGED,  # QueryPlanKilled: a collection is not there any more
}


@contextlib.contextmanager
def server_errors(address: Address) -> Iterator[None]:
    """Have what is wrong with the server or the store at `address` be raised as FileError."""
    try:
        from pymongo.errors import PyMongoError  # noqa: PLC0415 - only a store on a server needs it
    except ImportError:
        remedy = "pip install pymongo"
        raise FileError(address, f"a store on a server needs pymongo: {remedy}") from None
    try:
        yield
    except PyMongoError as error:
        raise FileError(address, _cause_of(error, address)) from None


@contextlib.contextmanager
def damage_errors(address: Address) -> Iterator[None]:
    """Have a document that is not as this program writes them be raised as FileError."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, LTVError):
            raise
        raise FileError(address, DAMAGED) from None


def unusable(address: Address, error: Exception) -> str:
    """Return why an address cannot be used, in the driver's words less what is secret."""
    reason = reason_of(error) if isinstance(error, OSError) else str(error)
    return f"this address cannot be used: {address.without_secrets(reason)}"


def _cause_of(error: Any, address: Address) -> str:
    """Return what is wrong, in words of ours: the driver's may name what is secret."""
    from pymongo import errors  # noqa: PLC0415 - as above

    code = getattr(error, "code", None)
    if code in _CAUSES:
        return _CAUSES[code]
    for kind, cause in (
        (errors.CursorNotFound, CHANGED),
        (errors.ServerSelectionTimeoutError, "no server answers within five seconds"),
        (errors.ConnectionFailure, LOST),
        (errors.ConfigurationError, unusable(address, error)),
    ):
        if isinstance(error, kind):
            return cause
    return f"this store cannot be used: {address.without_secrets(_reason_of(error))}"


def _reason_of(error: Any) -> str:
    """Return what the server said, which is told no password."""
    details = getattr(error, "details", None) or {}
    errors = details.get("writeErrors") or [{}]
    reason = details.get("errmsg") or errors[0].get("errmsg") or type(error).__name__
    return " ".join(str(reason).split())[:_LONGEST_REASON]
