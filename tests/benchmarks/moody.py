"""A method of another package that fails when it is told to."""

import os
from pathlib import Path


def moody(folder: Path, mood: str) -> str:
    """A path for Python on which another package registers a method that does `mood` while MOOD is set."""
    plugin = folder / "plugin"
    (plugin / "moody-1.0.dist-info").mkdir(parents=True)
    (plugin / "moody-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: moody\nVersion: 1.0\n")
    (plugin / "moody-1.0.dist-info" / "entry_points.txt").write_text("[afnetm.methods]\nmoody = moody:Moody\n")
    (plugin / "moody.py").write_text(
        "import os, signal\n"
        "from baselines.texture import Texture\n"
        "class Moody(Texture):\n"
        "    name = 'moody'\n"
        "    def build(self, encoder, classes):\n"
        "        if 'MOOD' in os.environ:\n"
        f"            {mood}\n"
        "        return super().build(encoder, classes)\n"
    )
    return f"{plugin}{os.pathsep}{Path.cwd()}"
