"""Messages that docs/faq.md explains are messages of the program."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
QUOTED = re.findall(r"^### `(.+)`$", (ROOT / "docs" / "faq.md").read_text(encoding="utf-8"), re.MULTILINE)
#: Between the fixed words of a message in the code.
VALUE = "\0"


def _messages(path: Path) -> list[str]:
    """The texts of a module, with `VALUE` for whatever is put into them."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            found.append("".join(str(v.value) if isinstance(v, ast.Constant) else VALUE for v in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
    return found


MESSAGES = [
    re.sub(r"\[(yellow|red|bold|/)\]", VALUE, message)
    for package in ("afnetm", "benchmarks", "studies")
    for path in (ROOT / package).rglob("*.py")
    for message in _messages(path)
]


def test_many_messages_are_explained() -> None:
    assert len(QUOTED) >= 30
    assert len(set(QUOTED)) == len(QUOTED)


@pytest.mark.parametrize("quoted", QUOTED)
def test_a_quoted_message_has_the_words_of_one_in_the_code(quoted: str) -> None:
    words = [re.escape(part) for part in quoted.split("…") if part.strip(" .:;'()")]
    pattern = re.compile(f".*{VALUE}.*".join(words), re.DOTALL)
    assert max(len(part) for part in quoted.split("…")) >= 8
    assert any(pattern.search(message) for message in MESSAGES)
