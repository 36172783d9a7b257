"""Files of a mesh's name: notes are passed over, and landmarks, however damaged, are for their reader to refuse."""

from pathlib import Path

import pytest

from afnetm.data.formats.inside import DataFolder
from afnetm.data.formats.landmark_signs import may_be_landmarks
from afnetm.data.sources.landmark_files import SUFFIXES, read_landmarks
from afnetm.errors import UserError

#: By the end of their names: files of other things that have a mesh's name, and landmarks that are damaged.
NOTES = {
    ".txt": ["", "Ada, second session, 3 lights\nrecorded on 12 05 2024\n", "# Ada\n\n- glasses: no\n"],
    ".csv": ["subject,sex\nAda,f\n", "frame;time\n1;10:30\n"],
    ".tsv": ["subject\tage\nAda\t34\n"],
    ".pts": ["nothing yet\n"],
    ".json": ['{"scanner": "A", "resolution": [640, 480], "points": 53490}', "[]", "{", '["a", "b"]'],
    ".pp": ["class ada { notify { 'hello': } }\n", "<PickedPoints/>"],
}
DAMAGED = {
    ".txt": ["1 2 3\n4 5 6\n7 8", "name x y z\n", "1 2 3\n4 5 6\nGARBAGE\n"],
    ".csv": ["jaw_0,1,,3\njaw_1,1,2,3\n", "x;y;z\n1,5;2;3\n1;2;x\n7;8;9\n"],
    ".tsv": ["1\t2\t3\n"],
    ".pts": ["version: 1\nn_points: 68\n{\n", "version: 1\nn_points: 68\n{\n1 2 3\n4 5"],
    ".json": [
        '{"nose": [1, 2, 3], "chin": [4',
        '{"landmarks": []}',
        "[[1, 2, 3], [4, 5, 6]]",
        '{"a": {"x": 1, "y": 2}}',
    ],
    ".pp": ['<PickedPoints><point x="1" y="2"', '<a><point x="1" y="2" name="chin"/></a>'],
    ".bnd": ["a note"],
    ".lm3": ["a note"],
    ".fcsv": ["a note"],
    ".ljson": ["{}"],
}


def test_every_kind_of_file_is_tried() -> None:
    assert DAMAGED.keys() == set(SUFFIXES)


@pytest.mark.parametrize(("suffix", "text"), [(suffix, text) for suffix, texts in NOTES.items() for text in texts])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_notes_are_passed_over(suffix: str, text: str, encoding: str) -> None:
    assert not may_be_landmarks(text.encode(encoding), f"Ada{suffix.upper()}")


@pytest.mark.parametrize(("suffix", "text"), [(suffix, text) for suffix, texts in DAMAGED.items() for text in texts])
def test_damaged_landmarks_are_for_their_reader_to_refuse(suffix: str, text: str, tmp_path: Path) -> None:
    assert may_be_landmarks(text.encode(), f"Ada{suffix}")
    (tmp_path / f"Ada{suffix}").write_text(text)
    with pytest.raises(UserError, match=rf"^Ada\{suffix}[^\n]+$"):
        read_landmarks(DataFolder(tmp_path), f"Ada{suffix}")
