"""The table of one's own scans: read however it is spelt, and what is wrong with it is told at once."""

import os
from pathlib import Path

import numpy as np
import pytest

from afnetm.data.dataset import check_dataset
from afnetm.data.preparing import prepare_dataset
from afnetm.data.sources.folder import FolderSource
from afnetm.data.synthetic.source import MARK
from afnetm.errors import UserError
from tests.afnetm.data.sources.conftest import HEADER, Write


def test_the_listing_tells_when_a_file_or_the_table_changed(scans: Path, table: Write) -> None:
    before = table("a,fear,1,face.ply,face.bnd,").describe()
    assert table("a,fear,1,face.ply,face.bnd,").describe() == before
    assert table("a,fear,2,face.ply,face.bnd,").describe() != before
    (scans / "face.bnd").write_bytes((scans / "face.bnd").read_bytes() + b"\n")
    assert table("a,fear,1,face.ply,face.bnd,").describe() != before


def test_exported_examples_never_pass_for_people_s_scans(scans: Path, table: Write) -> None:
    source = table("a,fear,1,face.ply,face.bnd,")
    assert "synthetic" not in source.describe()
    (scans / MARK).write_bytes(b"These faces are synthetic")
    try:
        assert source.describe()["synthetic"] is True
    finally:
        (scans / MARK).unlink()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["subject,expression,landmarks"], "line 1: column 'mesh' is missing"),
        ([HEADER.strip() + ",textur"], "line 1: column 'textur' is not known"),
        ([HEADER.strip() + ",mesh"], "line 1: column 'mesh' is twice"),
        ([HEADER.strip() + ",sex?"], "line 1: column 'sex?' is no name"),
        ([HEADER.strip() + ",age", "a,fear,1,m,l,," + "9" * 61], "line 2: age '999"),
        ([HEADER.strip()], "it contains no scans"),
        ([], "line 1: column 'subject' is missing"),
        ([HEADER.strip(), "", "a,fear,1,m.ply"], "line 3: 4 cells (allowed: 6"),
        ([HEADER.strip(), "a,fera,1,m,l,"], "line 2: expression 'fera' is not known; did you mean fear?"),
        (
            [HEADER.strip(), "a,Supprised,1,m,l,"],
            "line 2: expression 'Supprised' is not known; did you mean surprised?",
        ),
        ([HEADER.strip(), "a,5,1,m,l,"], "line 2: expression '5' (allowed: anger, disgust"),
        ([HEADER.strip(), "a,fear,5,m,l,"], "line 2: intensity '5' (allowed: 1 to 4"),
        ([HEADER.strip(), ",fear,1,m,l,"], "line 2: subject is empty"),
        ([HEADER.strip(), "a\x07b,fear,1,m,l,"], "line 2: subject 'a\\x07b' (allowed: printable text)"),
        ([HEADER.strip(), "a,fear,1,m,l,", "b,fear,1,./m,l,"], "line 3: mesh './m' is already in line 2 already"),
        ([HEADER.strip(), '"a,fear'], "line 2: not CSV"),
    ],
)
def test_a_fault_of_the_table_is_told_at_once(rows: list[str], expected: str, table: Write) -> None:
    with pytest.raises(UserError) as caught:
        table(*rows, header="")
    assert str(caught.value).startswith("scans.csv")
    assert expected in str(caught.value)


def test_a_class_is_any_word(table: Write) -> None:
    words = ["Happy", "neutral", "Contempt", "pain", "Happily surprised", "mind_wandering"]
    source = table(*(f"a,{word},,{row}.ply,l," for row, word in enumerate(words)))
    found = [scan.expression for scan in source.inspect().scans]
    assert found == ["happiness", "neutral", "contempt", "pain", "happily-surprised", "mind-wandering"]
    assert source.ids()[4:] == ["a_happily-surprised_0", "a_mind-wandering_0"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "sep=;"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_table_is_read_however_it_is_spelt(mark: str, encoding: str, end: str, scans: Path, tmp_path: Path) -> None:
    rows = [
        ["Subject", "Expression", "Intensity", "Mesh", "Landmarks", "Texture", "", ""],
        ["Zoë", "happy", "3.0", ".\\face.ply", "face.bnd", "pictures\\skin 1.png", "", ""],
        ["Zoë", "Angry", "", "face.glb", ".\\face.bnd", "", ""],
    ]
    between = mark.removeprefix("sep=")
    text = end.join([mark] * mark.startswith("sep=") + [between.join(row) for row in rows] + [""])
    (tmp_path / "scans.csv").write_bytes(text.encode(encoding))
    source = FolderSource(folder=scans, table=tmp_path / "scans.csv")
    assert source.ids() == ["Zoe_happiness_3", "Zoe_anger_0"]
    assert [(scan.subject, scan.missing) for scan in source.inspect().scans] == [("Zoë", ())] * 2


def test_a_table_that_is_none(scans: Path, tmp_path: Path) -> None:
    (tmp_path / "utf16.csv").write_text(HEADER, encoding="utf-16-le")
    (tmp_path / "book.csv").write_bytes(b"PK\3\4\x14\0\6\0")
    for name, expected in (
        ("utf16.csv", r"utf16.csv, line 1: not text \(allowed: UTF-8, UTF-16 with a byte-order mark, Windows-1252\)"),
        ("book.csv", "book.csv, line 1: not text"),
        ("no.csv", "no such file"),
        (".", "no such file"),
    ):
        with pytest.raises(UserError, match=expected):
            FolderSource(folder=scans, table=tmp_path / name)
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(UserError, match="no such file"):
        FolderSource(folder=scans, table=tmp_path / "pipe.csv")


def test_damaged_tables_are_read_or_refused_with_one_line(table: Write, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    content = (HEADER + "Ada,fear,1,face.ply,face.bnd,\nBob,joy,,face.obj,plain.csv,x.png\n").encode()
    source = table("Ada,fear,1,face.ply,face.bnd,")
    for _ in range(600):
        changed = bytearray(content)
        for _ in range(rng.integers(1, 4)):
            at = int(rng.integers(0, len(changed)))
            pieces = [b"", b'"', b",", b"\r\n", b"\0", b"\xff", b"../", b";", b"neutral", bytes([rng.integers(256)])]
            changed[at : at + int(rng.integers(0, 6))] = pieces[rng.integers(len(pieces))]
        (tmp_path / "scans.csv").write_bytes(bytes(changed))
        try:
            source = FolderSource(folder=source.folder, table=tmp_path / "scans.csv")
        except UserError as error:
            assert "\n" not in str(error)  # noqa: PT017
            continue
        assert len(source.ids()) == len(set(source.ids())) == len(source.inspect().scans)
        assert all(
            scan_id.isascii() and scan_id.replace("_", "a").replace("-", "a").isalnum() for scan_id in source.ids()
        )


def test_other_columns_are_kept_as_text(scans: Path, table: Write, tmp_path: Path) -> None:
    head = HEADER.strip() + ",Sex,Age group,session\n"
    source = table("a,fear,1,face.ply,face.bnd,,f,007,", "a,anger,1,text.ply,face.bnd,,NA,,2", header=head)
    made = prepare_dataset(tmp_path / "made", source, size=48, workers=1)
    assert made.attributes == ["age_group", "session", "sex"]
    assert made.attribute("sex").tolist() == ["f", "NA"]
    assert made.attribute("age_group").tolist() == ["007", ""]
    check_dataset(tmp_path / "made")
    with pytest.raises(UserError, match="no column 'seks'; .*sex"):
        made.attribute("seks")
