"""Reasons of refusals without what they name: whatever files, subjects and their contents are called."""

from hypothesis import given
from hypothesis import strategies as st

from afnetm.data.reasons import grouped, in_own_words

#: Names with a mark that is no word of any message; digits, spaces and what else file systems take around it.
NAMES = st.from_regex(r"[A-Za-z0-9 ._,;()-]{0,12}QZX[A-Za-z0-9 ._,;()-]{0,12}", fullmatch=True)
MESSAGES = (
    "{}.bnd: there is no such file, so the scan has no landmarks",
    "{}/{}.wrl, line 12: '{}' is not a valid coordinate",
    "scan {}: its mesh has no faces",
    "{}.csv, line 4: {}.obj: its texture {}.png: points outside the data folder",
    (
        "scan {}: its eyes and nose differ from an average face by 12.3 mm (root mean square; allowed: up to 10, "
        "lengths in mm)"
    ),
    "{}",
)


@given(st.sampled_from(MESSAGES), NAMES)
def test_no_name_is_told(message, name):
    ((count, reason),) = grouped([message.replace("{}", name)])
    assert count == 1
    assert "QZX" not in reason
    assert "QZX" not in in_own_words(message.replace("{}", name))
    if message != "{}":
        assert any(word in reason for word in ("no such file", "coordinate", "no faces", "points outside", "12.3 mm"))


def test_reasons_that_differ_in_names_and_lengths_alone_are_one_with_the_range_of_lengths():
    misfits = [(f"s{number:03d}", 10.5 + number / 4) for number in range(9)]
    message = (
        "scan {}: its eyes and nose differ from an average face by {:.1f} mm (root mean square; allowed: up to 10, "
    )
    reasons = [message.format(*one) + "lengths in mm)" for one in misfits]
    (first, second) = grouped([*reasons, "bs000/x.bnt: without landmarks (looked for: x.lm3 or .lm2)"])
    assert first == (9, (
        "scan …: its eyes and nose differ from an average face by 10.5 to 12.5 mm (root mean square; allowed: up to …, "
        "lengths in mm)"
    ))  # fmt: skip
    assert second == (1, "….bnt: without landmarks (looked for: ….lm3 or .lm2)")


def test_what_is_no_message_of_the_program_is_not_told_at_all():
    assert grouped(["Qzx qzxqzx", "", "Q" * 10_000]) == [(2, "…"), (1, "")]
