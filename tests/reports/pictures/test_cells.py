"""Short names of classes: two letters where these tell them apart."""

from reports.pictures.cells import codes
from tests.reports.conftest import EXPRESSIONS


def test_classes_have_codes_of_two_letters_or_as_many_as_tell_them_apart():
    six = codes(EXPRESSIONS)
    assert list(six.values()) == ["AN", "DI", "FE", "HA", "SA", "SU"]
    assert codes(["negative", "neutral", "positive"]) == {"negative": "NEG", "neutral": "NEU", "positive": "PO"}
    assert codes(["an", "anger"]) == {"an": "AN", "anger": "ANG"}
    assert codes(["x"]) == {"x": "X"}
