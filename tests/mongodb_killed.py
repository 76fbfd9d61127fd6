"""The program, killed after so many of its calls to a server, or with the server killed then.

    python tests/mongodb_killed.py NUMBER PID arguments of the program ...

NUMBER is that of the call, from 1; 0 for none: then the last line of standard error is a JSON list
of the names of all calls. PID is that of the process that is killed then, 0 for this one.
"""

import json
import os
import signal
import sys
from typing import Any

from pymongo import monitoring

import ltv.store.documents
import ltv.store.mongodb
import ltv.store.server
import Main_Calculation

#: So that a small log makes many calls, and documents with more facts.
ltv.store.documents._MOST_FACTS = 4
ltv.store.mongodb._AT_ONCE = 15


class Killer(monitoring.CommandListener):  # type: ignore[misc] # pymongo is not there for mypy
    """Counts the calls that the server answered."""

    def __init__(self, number: int, process: int) -> None:
        self.names: list[str] = []
        self._number = number
        self._process = process or os.getpid()

    def started(self, event: Any) -> None:
        """Nothing has been done yet."""

    def failed(self, event: Any) -> None:
        """It is not counted."""

    def succeeded(self, event: Any) -> None:
        """Count a call that was answered."""
        self.names.append(event.command_name)
        if len(self.names) == self._number:
            os.kill(self._process, signal.SIGKILL)


if __name__ == "__main__":
    number, process, *arguments = sys.argv[1:]
    killer = Killer(int(number), int(process))
    monitoring.register(killer)
    status = Main_Calculation.main(arguments)
    if killer.names and not int(number):
        sys.stderr.write(json.dumps(killer.names) + "\n")
    sys.exit(status)
