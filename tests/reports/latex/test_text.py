"""Text as LaTeX reads as it is: what pdfTeX makes of it is what was there."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.formats import MINUS
from reports.latex.text import LONGEST, ems, latex_text

#: What stands for a sign of ASCII that TeX would not print as it is, written down by hand.
SIGNS = {
    **{f"\\{sign}": sign for sign in "&%#_{}"},
    **{r"$\mathdollar$": "$", r"\textbackslash{}": "\\", r"\textasciitilde{}": "~", r"\textasciicircum{}": "^"},
    **{r"\`{}": "`", r"{\ttfamily\char34}": '"', "$<$": "<", "$>$": ">", "$|$": "|", "~": " "},
}
READ = re.compile(
    "|".join(re.escape(sign) for sign in sorted(SIGNS, key=len, reverse=True)) + r"|\\penalty5000\\relax |\{\}|."
)


def read(latex: str) -> str:
    """What a reader sees of it; braces around nothing and places for a line break are nothing."""
    pieces = READ.findall(latex)
    assert not set("\\{}$&%#_^") & {piece for piece in pieces if len(piece) == 1}, latex
    return "".join(SIGNS.get(piece, piece if len(piece) == 1 else "") for piece in pieces)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_every_text_of_ascii_reads_as_it_is(text):
    latex = latex_text(text)
    assert read(latex) == " ".join(text.split())
    assert not re.search(r"--|''|,,", latex)
    assert not latex.startswith(("[", "*"))


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("AFNet→M", r"AFNet$\rightarrow$M"),
        (f"{MINUS}1.5 ± 2 %", r"$-$1.5 $\pm$ 2~\%"),
        ("héron, Đurić, x̂", r"h\'{e}ron, {\ttfamily U+0110}uri\'{c}, \^{x}"),
        ("R² β ﬁ", r"R\textsuperscript{2} $\beta$ fi"),
        ("方法", r"{\ttfamily U+65B9}{\ttfamily U+6CD5}"),
        ("87.2 †", r"87.2 $^{\dagger}$"),
    ],
)
def test_what_is_not_ascii_has_a_command_or_is_its_code(text, latex):
    assert latex_text(text) == latex


def test_only_words_that_no_column_holds_may_be_broken_inside():
    word = "a" * 40
    assert ems(word) > LONGEST > ems("Concatenation")
    assert "penalty" not in latex_text("Concatenation of texture and depth, cross-attention")
    assert latex_text(f"of {word}").count("penalty") == 39
    assert latex_text("training.learning_rate") == r"training.\penalty5000\relax learning\_\penalty5000\relax rate"
