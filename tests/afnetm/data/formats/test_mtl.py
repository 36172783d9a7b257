"""Material libraries of OBJ: whatever their bytes, they name pictures or are refused in one line."""

import re

from afnetm.data.formats.mtl import Look, read_mtl
from afnetm.errors import UserError

NAME = "faces/a.mtl"
MTL = b"""# two materials
newmtl skin
Kd 0.8 0.8 0.8
map_Ka -blendu on -imfchan r ambient.png
map_Kd -clamp on -s 1 1 1 -o 0 0 0 pictures/skin 1.png

newmtl hair
map_Ka -texres 512 hair.png
"""


def test_a_material_has_its_diffuse_picture_or_else_its_ambient_one():
    expected = {"skin": Look("pictures/skin 1.png", "clamp"), "hair": Look("hair.png", "repeat")}
    assert read_mtl(MTL, NAME) == expected


def test_damaged_files_are_read_or_refused_with_one_line(mutations):
    for damaged in mutations(MTL, count=600, seed=0):
        try:
            looks = read_mtl(damaged, NAME)
        except UserError as error:
            assert re.match(r"faces/a\.mtl, line \d+: [^\n]+$", str(error))  # noqa: PT017
        else:
            assert all(look.picture and "\n" not in look.picture for look in looks.values())
