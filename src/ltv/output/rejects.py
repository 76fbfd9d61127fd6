"""The file of rejected events, and that nothing else is ever replaced or removed as one.

| in its place | |
|---|---|
| nothing, an empty file, rejects of an earlier run, also cut off | replaced, or removed |
| any other regular file | the run fails, before anything is read |
| a device, a pipe, what is open already | written to |
"""

import codecs
import contextlib
import json
import os
import re

from ltv.errors import FileError, reason_of
from ltv.output.target import Target

#: Of a line of rejects, in the order in which they are written.
MEMBERS = ("file", "line", "offset", "reason", "member", "message", "text")

_NEEDED = {"file", "line", "offset", "reason", "text"}

#: As much of a file as is looked at; a line of rejects is no longer than half of it.
HEAD_BYTES = 64 * 1024

_LEFT = "rejects file of this program: left as it is"

#: What stands before each value of a line, in front of the first and then between two.
_LEADS = ('{"file": ', *(f', "{name}": ' for name in MEMBERS[1:]))

_VALUE = re.compile(r'"(?:[^"\\]++|\\.)*+"|[0-9]++|null')
_BEGIN_OF_VALUE = re.compile(r'"(?:[^"\\]++|\\.)*+\\?|n(?:ul?)?|')


def begins_rejects(head: bytes) -> bool:
    """Return whether a file that begins with `head` holds rejects, or nothing yet.

    `head` is its first HEAD_BYTES, or all of it. Its first line must be a JSON object as rejects
    are, or the begin of a line that this program writes, cut off where `head` ends.
    """
    line, line_break, _ = head.removeprefix(codecs.BOM_UTF8).partition(b"\n")
    is_cut_off = not line_break
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(line, final=not is_cut_off)
    except UnicodeDecodeError:
        return False
    return _is_reject(text) or (is_cut_off and _begins_reject(text))


def _is_reject(text: str) -> bool:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and value.keys() >= _NEEDED


def _begins_reject(text: str) -> bool:
    """Whether a line that is written begins with `text`."""
    place = 0
    for lead in _LEADS:
        if lead.startswith(text[place:]):
            return True
        if not text.startswith(lead, place):
            return False
        value = _VALUE.match(text, place + len(lead))
        if value is None:
            return _BEGIN_OF_VALUE.fullmatch(text, place + len(lead)) is not None
        place = value.end()
    return text[place:] in ("", "}")


class RejectsTarget(Target):
    """A Target for rejects; raises FileError where another file would be lost."""

    option = "--rejects"

    def check_place(self) -> None:
        """Raise FileError unless what is in the place may be replaced or removed as rejects."""
        super().check_place()
        try:
            with open(self._real, "rb", opener=_open_at_once) as stream:
                head = stream.read(HEAD_BYTES)
        except FileNotFoundError:
            return
        except OSError as error:
            unread = f"cannot be read ({reason_of(error)}), and may be no"
            raise FileError(self.path, f"{unread} {_LEFT}") from None
        if not begins_rejects(head):
            raise FileError(self.path, f"not a {_LEFT}")

    def remove_earlier(self) -> None:
        """Remove what an earlier run left in the place, if it is a regular file."""
        if not self.is_file:
            return
        self.check_place()
        try:
            with contextlib.suppress(FileNotFoundError):
                os.remove(self._real)
        except OSError as error:
            raise FileError(self.path, f"cannot be removed: {reason_of(error)}") from None


def _open_at_once(path: str, flags: int) -> int:
    """Open a file, and wait for nobody should it be a pipe by now."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
