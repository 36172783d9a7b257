"""An empty folder for a tutorial, with the program where an environment in it would have it, and plain output."""

import atexit
import os
import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path

from IPython import get_ipython

folder = Path(tempfile.mkdtemp(prefix="afnetm-tutorial-"))
atexit.register(shutil.rmtree, folder, ignore_errors=True)
programs = folder / ".venv" / "bin"
programs.mkdir(parents=True)
(programs / "afnetm").symlink_to(str(shutil.which("afnetm")))
os.chdir(folder)
for name in [name for name in os.environ if name.startswith("AFNETM_") or name in {"FORCE_COLOR", "CLICOLOR_FORCE"}]:
    del os.environ[name]
os.environ |= {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "100"}
warnings.filterwarnings("ignore", message="IProgress not found")  # tqdm's, where a notebook has no widgets


def bash(line: str, cell: str) -> None:
    """Runs a cell of commands and prints all of its output at once: IPython's own prints it in pieces of 100 bytes."""
    command = ["bash", "-e", "-c", cell]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(done.stdout.rstrip())
    done.check_returncode()


get_ipython().register_magic_function(bash, "cell")
