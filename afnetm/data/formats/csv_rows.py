"""CSV: the rows of a file and the lines on which they end."""

import csv
import io

from afnetm.errors import UserError


def read_csv(content: bytes, name: str) -> list[tuple[int, list[str]]]:
    """The rows that are not empty, each with its line's number and its cells without white space around them.

    Args:
        content: of the file, UTF-8, with or without a byte order mark.
        name: begins every error.

    Raises:
        UserError: it is none.
    """
    rows = []
    reader = None
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                rows.append((reader.line_num, cells))
    except UnicodeDecodeError as error:
        raise UserError(f"{name}, offset {error.start}: not UTF-8") from None
    except csv.Error as error:
        raise UserError(f"{name}, line {reader.line_num if reader else 1}: not CSV ({error})") from None
    return rows
