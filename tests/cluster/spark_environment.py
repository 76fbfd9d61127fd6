"""A virtual environment with pyspark.

python tests/cluster/spark_environment.py    makes it unless it is there, and prints its directory
"""

import hashlib
import platform
import shutil
import subprocess
import sys
import venv
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent / "requirements.txt"
TOP = REQUIREMENTS.parent.parent.parent
VENV = TOP / ".venv-spark-{}.{}".format(*sys.version_info[:2])
STAMP = VENV / "made-from.txt"
PYTHON = VENV / "bin/python"
SPARK_SUBMIT = VENV / "bin/spark-submit"


def make() -> None:
    """Make it unless it is there; what it was made from is written last."""
    if shutil.which("java") is None:
        sys.exit("Spark needs Java 17; on Debian: apt-get install openjdk-17-jre-headless")
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    wanted = f"requirements {digest}\npython {platform.python_version()} {sys.base_prefix}\n"
    if STAMP.exists() and STAMP.read_text("utf-8") == wanted:
        return
    venv.create(VENV, clear=True, with_pip=True)
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True)
    STAMP.write_text(wanted, encoding="utf-8")


def spark_home() -> str:
    """Where Spark itself is."""
    command = [str(PYTHON), "-c", "import pyspark; print(*pyspark.__path__)"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


if __name__ == "__main__":
    make()
    print(VENV)
