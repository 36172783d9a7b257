"""Every picture of a report: which there are, and what their files are called."""

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, cpu_count, delayed
from numpy.typing import NDArray

from reports.data.faces import mean_face
from reports.data.results import Results
from reports.pictures import figures, per_method
from reports.pictures.attention import attention
from reports.pictures.conditions import conditions, contenders
from reports.pictures.cross_dataset import accuracy_by_dataset
from reports.pictures.hardest import hardest_faces, subjects
from reports.pictures.landmark_error import landmark_error
from reports.pictures.pareto import cost
from reports.pictures.robustness import by_severity, calibration, heat_map, texture_weight
from reports.pictures.theme import Picture
from reports.pictures.weights import followed, nuisance_factors, shifts, weights
from reports.tables.compared import Compared

#: By section, then by method; the method of a picture that shows several is ``""``. A section may be empty.
Pictures = Mapping[str, Mapping[str, Picture]]
Drawing = Callable[[], Picture]
#: Sections in the order of the page.
SECTIONS = (
    *("scores", "differences", "parameters", "seconds", "confusion", "intensity", "learning", "conditions", "subjects"),
    *("landmark_error", "hardest", "severity", "robustness", "calibration", "texture_weight", "cross_dataset"),
    *("weights", "nuisance_factors", "attention"),
)
#: With so many pictures, each a third of a second, a process that draws them is worth its start.
_FEW = 20
#: A mean face is of so many scans of each expression: with more it looks the same.
_MEAN = 50
#: So many letters of a method's name are in its files' names.
_LETTERS = 40


def draw_pictures(compared: Compared) -> Pictures:
    """All that these results have something to show for.

    Where methods' names are drawn they are the display names.
    """
    rivals = contenders(compared.table, compared.results.control)
    planned = _of_methods(compared, rivals)
    begun = begin([drawing for drawings in planned.values() for drawing in drawings.values()])
    made = _of_all(compared, rivals)  # meanwhile, if there are processes that draw
    made |= {section: {method: next(begun) for method in drawings} for section, drawings in planned.items()}
    return {section: made[section] for section in SECTIONS if section in made}


def begin(drawings: Sequence[Drawing]) -> Iterator[Picture]:
    """Pictures in the order of `drawings`: of many, by processes that begin at once, else drawn when asked for."""
    processes = min(cpu_count(), len(drawings) // _FEW)
    if processes < 2:
        return (draw() for draw in drawings)
    drawn: Iterator[Picture] = Parallel(processes, return_as="generator")(delayed(draw)() for draw in drawings)
    return drawn


def _of_all(compared: Compared, rivals: Sequence[str]) -> dict[str, Mapping[str, Picture]]:
    """The pictures that compare methods, and those of all of them."""
    results, table = compared.results, compared.table
    titles = results.provenance.titles
    called, control = table.assign(method=table["method"].map(titles)), titles[results.control]
    folds = results.folds.assign(method=results.folds["method"].map(titles))
    made: dict[str, Mapping[str, Picture]] = {
        "scores": {"": figures.scores(called, folds)},
        "differences": {},
        "parameters": {},
        "seconds": {},
    }
    if table["difference"].notna().any():
        made["differences"] = {"": figures.differences(called, control=control)}
    for column, title in (("parameters", "parameters"), ("seconds", "time per run (s)")):
        if table[column].notna().sum() > 1:
            made[column] = {"": cost(called, column, title=title, control=control)}
    made |= {"conditions": conditions(results, rivals), "subjects": {"": subjects(results, rivals[0])}}
    made["landmark_error"] = landmark_error(results, table)
    strip = hardest_faces(results)
    made["hardest"] = {"": strip} if strip else {}
    if "robustness" in compared.tables:
        evaluated = compared.evaluated
        made |= {"severity": {"": by_severity(evaluated)}, "robustness": {"": heat_map(evaluated)}}
        errors = calibration(evaluated)
        made["calibration"] = {"": errors} if errors else {}
    if "cross_dataset" in compared.tables:
        made["cross_dataset"] = {"": accuracy_by_dataset(compared.elsewhere)}
    return made


def _of_methods(compared: Compared, rivals: Sequence[str]) -> dict[str, dict[str, Drawing]]:
    """The pictures of one method each, to be drawn."""
    results, table = compared.results, compared.table
    intensities = per_method.by_intensity(results)
    tested = dict(zip(table["method"], table["accuracy"], strict=True))
    predictions = dict(list(results.predictions.groupby("method")))
    known, curves = set(intensities["method"]), dict(list(results.curves.groupby("method")))
    means = per_method.courses(results.curves)
    found: dict[str, dict[str, Drawing]] = {
        "confusion": {
            method: partial(per_method.confusion, predictions[method], results.classes) for method in results.methods
        },
        "intensity": {
            method: partial(per_method.intensity, intensities, method) for method in results.methods if method in known
        },
        "learning": {
            method: partial(per_method.learning, curves[method], means, method, tested=tested[method])
            for method in results.methods
            if method in curves
        },
    }
    if "robustness" in compared.tables:
        found["texture_weight"] = texture_weight(compared.evaluated)
    return found | _evidence(results, rivals)


def _evidence(results: Results, rivals: Sequence[str]) -> dict[str, dict[str, Drawing]]:
    """Maps and weights of methods; Grad-CAM, which nearly all have, of the control and its best rival alone."""
    attentive = {*results.maps.loc[results.maps["kind"] == "attention", "method"], *rivals}
    behind = None if results.maps.empty else _mean_face(results)

    def of(
        table: pd.DataFrame, methods: Container[str], draw: Callable[[pd.DataFrame, str], Picture]
    ) -> dict[str, Drawing]:
        own = dict(list(table.groupby("method")))
        return {
            method: partial(draw, own[method], method)
            for method in results.methods
            if method in own and method in methods
        }

    return {
        "weights": of(shifts(results), results.methods, weights),
        "nuisance_factors": of(followed(results), results.methods, nuisance_factors),
        "attention": of(results.maps, attentive, partial(attention, behind=behind)),
    }


def _mean_face(results: Results) -> NDArray[np.uint8] | None:
    """Of tested scans whose pictures are at hand, at most so many of each expression alike."""
    tested = results.predictions.drop_duplicates("scan").sort_values("scan")
    there = tested[tested["scan"].isin(list(results.faces))]
    return mean_face(results.faces[scan] for scan in there.groupby("expression")["scan"].head(_MEAN))


def picture_files(pictures: Pictures) -> list[str]:
    """The names of the pictures' files without their endings, in the order of the page: ``confusion-afnetm``."""
    return [name for name, _ in _named(pictures)]


def write_pictures(pictures: Pictures, directory: Path) -> None:
    """Writes each picture as NAME.svg and NAME.pdf into a new folder `directory`; the same pictures, the same bytes."""
    directory.mkdir()
    for name, picture in _named(pictures):
        (directory / f"{name}.svg").write_text(picture.svg, encoding="utf-8")
        (directory / f"{name}.pdf").write_bytes(picture.pdf)


def picture_stem(section: str, method: str) -> str:
    """File name of a method's picture, unless another's is the same: ``confusion-afnetm``."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", method).strip("-")[:_LETTERS]
    return f"{section}-{words}" if words else section


def _named(pictures: Pictures) -> Iterator[tuple[str, Picture]]:
    """Each picture with its file's name: whatever a method is called, it is one, and no other picture's."""
    taken: set[str] = set()
    for section, found in pictures.items():
        for method, picture in found.items():
            stem = name = picture_stem(section, method)
            number = 1
            while name.lower() in taken:  # some file systems do not tell A from a
                number += 1
                name = f"{stem}-{number}"
            taken.add(name.lower())
            yield name, picture
