"""MTL, the material library of OBJ: the picture of each material."""

import re
from dataclasses import dataclass

from afnetm.data.formats.text import decoded, formatted, lines
from afnetm.data.scan import Wrap
from afnetm.errors import UserError

#: What may stand after an option of a picture: switches, numbers and the names of channels.
_VALUE = re.compile(r"on|off|[rgbmlz]|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
#: Options that move a picture, and the value with which they leave it; and others that are known.
_MOVING = {"-s": 1.0, "-o": 0.0, "-t": 0.0}
_KNOWN = {"-blendu", "-blendv", "-boost", "-bm", "-cc", "-clamp", "-imfchan", "-mm", "-texres"}


@dataclass(frozen=True)
class Look:
    """The picture of a material, by its name relative to the library, and what it does beyond its edges."""

    picture: str
    wrap: Wrap


def read_mtl(content: bytes, name: str) -> dict[str, Look]:
    """The looks of those materials in an MTL file that have a picture: a diffuse one, or else an ambient one.

    Args:
        content: of the file.
        name: begins every error.

    Raises:
        UserError: a picture before the first material, or one that is scaled or shifted or has an unknown option.
    """
    diffuse: dict[str, Look] = {}
    ambient: dict[str, Look] = {}
    material = None
    for number, line in lines(decoded(content)):
        key, value = [*line.split(maxsplit=1), ""][:2]
        if key.lower() == "newmtl":
            material = value
        elif key.lower() in {"map_kd", "map_ka"}:
            if material is None:
                raise UserError(f"{name}, line {number}: a picture outside of any material")
            if look := _look(value, f"{name}, line {number}"):
                (diffuse if key.lower() == "map_kd" else ambient).setdefault(material, look)
    return ambient | diffuse


def _look(value: str, where: str) -> Look | None:
    words = list(re.finditer(r"\S+", value))
    wrap: Wrap = "repeat"
    while len(words) > 1 and words[0][0].startswith("-"):
        option, values = words.pop(0)[0], []
        while len(words) > 1 and _VALUE.fullmatch(words[0][0]):
            values.append(words.pop(0)[0])
        if option in _MOVING:
            if any(one.isalpha() or float(one) != _MOVING[option] for one in values):
                raise UserError(f"{where}: {formatted(value)} scales or shifts its picture (allowed: neither)")
        elif option not in _KNOWN:
            raise UserError(f"{where}: option {formatted(option)} of a picture is not known")
        elif option == "-clamp" and values == ["on"]:
            wrap = "clamp"
    return Look(value[words[0].start() :], wrap) if words else None
