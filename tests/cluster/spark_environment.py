"""A virtual environment with pyspark.

python tests/cluster/spark_environment.py    makes it unless it is there, and prints its directory
"""

import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent / "requirements.txt"
TOP = REQUIREMENTS.parent.parent.parent
sys.path.append(str(TOP / "tests"))

from environments import make_environment  # noqa: E402 - it is found from here on

VENV = TOP / ".venv-spark-{}.{}".format(*sys.version_info[:2])
PYTHON = VENV / "bin/python"
SPARK_SUBMIT = VENV / "bin/spark-submit"


def make() -> None:
    """Make it unless it is there."""
    if shutil.which("java") is None:
        sys.exit("Spark needs Java 17; on Debian: apt-get install openjdk-17-jre-headless")
    make_environment(VENV, REQUIREMENTS)


def spark_home() -> str:
    """Where Spark itself is."""
    command = [str(PYTHON), "-c", "import pyspark; print(*pyspark.__path__)"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


if __name__ == "__main__":
    make()
    print(VENV)
