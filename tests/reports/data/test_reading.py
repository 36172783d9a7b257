"""Files that anyone may have written are read as what they say, or refused in one line."""

import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.data.reading import read_table
from reports.markup import write_csv
from reports.schema import Column, ReportError

COLUMNS = {
    "name": Column(kind="name"),
    "count": Column(kind="integer"),
    "share": Column(kind="number", optional=True),
}
NAME = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1).filter(lambda text: text[0] != "'")
ROW = st.tuples(NAME, st.integers(-(2**53), 2**53), st.floats(allow_infinity=False))
TABLE = pd.DataFrame({"name": ["a", "b", "c"] * 5, "count": range(15), "share": np.linspace(0.0, 1.0, 15)})
ONCE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@ONCE
@given(rows=st.lists(ROW, min_size=1, max_size=5))
def test_what_is_written_is_read_to_the_last_bit(rows, tmp_path):
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"name": "str"})
    write_csv(frame.assign(more="x"), tmp_path / "t.csv")
    frame.assign(more="x").to_parquet(tmp_path / "t.parquet")
    for path in (tmp_path / "t.csv", tmp_path / "t.parquet"):
        found = read_table(path, COLUMNS).frame
        pd.testing.assert_frame_equal(found, frame, check_exact=True)


@ONCE
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_in_one_line(data, tmp_path):
    ending = data.draw(st.sampled_from(["csv", "parquet"]))
    path = tmp_path / f"t.{ending}"
    TABLE.to_csv(path, index=False) if ending == "csv" else TABLE.to_parquet(path, index=False)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content))) or None])
    try:
        read_table(path, COLUMNS)
    except ReportError as refused:
        message = str(refused)
    else:
        message = ""
    assert message.isprintable()


def test_what_spreadsheets_and_other_programs_write_is_taken(tmp_path):
    (tmp_path / "t.CSV").write_bytes(b"\xef\xbb\xbfname,count,share\r\nNA,3.0,\r\n007,4.0,nan\r\n")
    found = read_table(tmp_path / "t.CSV", COLUMNS).frame
    assert found["name"].tolist() == ["NA", "007"]
    assert found["count"].tolist() == [3, 4]
    assert found["share"].isna().all()
    frame = TABLE.astype({"name": "category", "share": "float32"}).assign(name=range(15))
    frame.to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet", COLUMNS).frame["name"].tolist() == [str(n) for n in range(15)]
    TABLE.astype({"name": "category"}).to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet", COLUMNS).frame["name"].tolist() == TABLE["name"].tolist()


class Evil:
    def __reduce__(self):
        return (exec, ("raise SystemExit('it ran')",))


def test_nothing_in_a_file_runs(tmp_path):
    (tmp_path / "t.csv").write_bytes(pickle.dumps(Evil()))
    (tmp_path / "t.parquet").write_bytes(pickle.dumps(Evil()))
    for ending in ("csv", "parquet"):
        with pytest.raises(ReportError, match=f"is not {ending} that can be read"):
            read_table(tmp_path / f"t.{ending}", COLUMNS)
    field = pa.field("name", pa.binary(), metadata={"ARROW:extension:name": "arrow.py_extension_type"})
    noted = pa.schema([field], metadata={"pandas": pickle.dumps(Evil())})
    pa.parquet.write_table(pa.table([[pickle.dumps(Evil())]], schema=noted), tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet", COLUMNS).frame["name"].tolist() == [pickle.dumps(Evil())]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", None, "cannot be read: No such file or directory"),
        ("t.csv", b"", "is empty, allowed is a table"),
        ("t.parquet", b"", "is empty, allowed is a table"),
        ("t.xlsx", b"PK", "ends in '.xlsx', allowed are .csv, .tsv, .txt and .parquet"),
        ("t", b"name\na\n", "ends in '', allowed are .csv, .tsv, .txt and .parquet"),
        ("t.csv", b"name,count\na,1,2\n", "is not csv that can be read: line 2 has 3 cells, the first line 2"),
        ("t.csv", b"name,count\na,1\nb,two\n", "t.csv: column 'count' is 'two' in row 1, allowed is a whole number"),
        ("t.parquet", b"name\na\n", "is not parquet that can be read"),
    ],
)
def test_what_is_no_table_is_refused(name, content, message, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ReportError, match=message) as refused:
        read_table(tmp_path / name, COLUMNS)
    assert str(refused.value).isprintable()


def test_a_folder_is_no_table(tmp_path):
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(ReportError, match="Is a directory"):
        read_table(tmp_path / "t.csv", COLUMNS)


def test_few_bytes_that_unpack_to_too_many_rows_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("reports.data.reading.MOST_ROWS", 14)
    TABLE.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(ReportError, match="15 rows, allowed are 14"):
        read_table(tmp_path / "t.parquet", COLUMNS)
