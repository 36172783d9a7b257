"""An empty folder for a tutorial, with the program where an environment in it would have it, and plain output."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

folder = Path(tempfile.mkdtemp(prefix="afnetm-tutorial-"))
atexit.register(shutil.rmtree, folder, ignore_errors=True)
programs = folder / ".venv" / "bin"
programs.mkdir(parents=True)
(programs / "afnetm").symlink_to(str(shutil.which("afnetm")))
os.chdir(folder)
for name in [name for name in os.environ if name.startswith("AFNETM_") or name in {"FORCE_COLOR", "CLICOLOR_FORCE"}]:
    del os.environ[name]
os.environ |= {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "100"}
