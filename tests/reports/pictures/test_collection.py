"""Pictures as files: one each for the page and for papers, the same every time, whatever a method is called."""

import os
import re
import zlib

import pytest

from reports.pictures import collection
from reports.pictures.collection import begin, draw_pictures, picture_files, write_pictures
from reports.tables.compared import Compared


@pytest.fixture(scope="module")
def pictures(small):
    return draw_pictures(Compared(small))


def written(pictures, directory):
    write_pictures(pictures, directory)
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_every_picture_is_there_in_both_forms(pictures, tmp_path):
    names = picture_files(pictures)
    assert {"scores", "parameters", "confusion-afnetm", "learning-plain"} <= set(names)
    assert set(written(pictures, tmp_path / "f")) == {f"{name}.{end}" for name in names for end in ("svg", "pdf")}


def test_the_same_results_give_the_same_bytes(pictures, small, tmp_path):
    again = draw_pictures(Compared(small))
    first, second = written(pictures, tmp_path / "one"), written(again, tmp_path / "two")
    assert first == second
    assert not [name for name, data in first.items() if re.search(rb"CreationDate|<dc:date>", data)]


def test_many_are_drawn_by_processes_and_have_the_same_bytes_in_the_same_order(pictures, small, tmp_path, monkeypatch):
    monkeypatch.setattr(collection, "_FEW", 2)
    monkeypatch.setattr(collection, "cpu_count", lambda: 2)
    assert len(set(begin([os.getpid] * 4)) - {os.getpid()}) >= 1
    parallel = draw_pictures(Compared(small))
    assert picture_files(parallel) == picture_files(pictures)
    assert written(parallel, tmp_path / "one") == written(pictures, tmp_path / "two")


def test_papers_get_truetype_fonts_with_every_letter_in_the_file(pictures, tmp_path):
    for name, data in written(pictures, tmp_path / "f").items():
        if name.endswith(".pdf"):
            assert b"/FontFile2" in data  # where PDF keeps TrueType
            assert b"/Type3" not in data


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\x", "..", "=1+1", "héron", "<b>"])
def test_no_method_s_name_leads_out_of_the_folder(pictures, tmp_path, name):
    one = pictures["scores"][""]
    files = written({"confusion": {name: one, name + "!": one}}, tmp_path / "f")
    assert len(files) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9-]+\.(svg|pdf)", file) for file in files)


def test_methods_that_differ_in_case_alone_have_files_of_their_own(pictures):
    one = pictures["scores"][""]
    names = picture_files({"learning": {"Late": one, "late": one, "late-2": one}})
    assert len({name.lower() for name in names}) == 3


def test_a_pdf_is_whole(pictures):
    data = pictures["scores"][""].pdf
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")
    streams = re.findall(rb"/FlateDecode.*?stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL)
    assert any(b" re\n" in zlib.decompress(stream) or b" l\n" in zlib.decompress(stream) for stream in streams)
