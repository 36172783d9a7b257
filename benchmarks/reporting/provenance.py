"""Provenance of a suite's results, of its manifest and records: what a report says beside its numbers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from afnetm.data.dataset_files import REGRESSOR, is_generated
from benchmarks.records.manifest import Manifest
from benchmarks.records.store import Store
from benchmarks.reporting.sound import reason
from benchmarks.reporting.sources import with_modules
from reports.data.results import Axis, Provenance
from reports.data.search import Search
from reports.data.usable import LeftOut
from reports.tables.inputs import ANNOTATED, DETECTED, FOUND, PARTLY_FOUND, REGRESSED


def provenance(
    manifest: Manifest,
    store: Store,
    records: Sequence[Mapping[str, Any]],
    *,
    left_out: Sequence[LeftOut],
    pages: Mapping[str, str],
    created: str,
    with_faces: bool,
    secret: str | None,
    names: Mapping[str, str],
) -> Provenance:
    """The provenance of the results that `records` have, those of the suite that can be used.

    Args:
        manifest: the suite.
        store: its records.
        records: what the runs wrote.
        left_out: records that cannot be used, and why.
        pages: addresses of what else is known of methods, by method.
        created: printed as it is.
        with_faces: whether subjects may be named and shown though the dataset is not shareable.
        secret: what pseudonyms are still to be made with; None where they are made, or none are wanted.
        names: of subjects and scans, by their pseudonyms.
    """
    done, failed = store.done(), store.failed()
    source = manifest.dataset["source"]
    return Provenance(
        suite=manifest.suite,
        description=manifest.description,
        suite_toml=manifest.text,
        dataset=manifest.dataset,
        protocol=manifest.resolved["protocol"],
        versions=_versions(records),
        hardware=_distinct(records, "hardware"),
        commits=_distinct(records, "commit"),
        devices=_distinct(records, "device_name"),
        gpu_workers=_distinct([one for one in records if "gpu_workers" in one], "gpu_workers"),
        planned=len(manifest.runs),
        done=len(records),
        failed=[
            (e.method, e.repeat, e.fold, reason(store, e.key))
            for e in manifest.runs
            if e.key in failed and e.key not in done
        ],
        left_out=list(left_out),
        created=created,
        synthetic=is_generated(source) or source.get("synthetic", False),
        methods={
            label: {**about, "page": pages[label]} if label in pages else about
            for label, about in with_modules(_methods(manifest, records)).items()
        },
        control=manifest.control,
        training=_training(manifest.resolved),
        rope=manifest.resolved.get("rope", 1.0),
        axes={name: Axis(**axis) for name, axis in manifest.axes.items()},
        added=manifest.added,
        search=_search(manifest.tuning) if manifest.tuning else None,
        with_faces=with_faces,
        secret=secret,
        names=dict(names),
        others={name: {k: v for k, v in about.items() if k != "secret"} for name, about in manifest.others.items()},
    )


def _methods(manifest: Manifest, records: Sequence[Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    """The methods as recorded, with the origin of their masks in this dataset.

    Masks of landmarks that were found in scans that came without are not annotated, and where no landmark model was
    used detected ones come of a regressor.
    """
    origins = {}
    if landmarks := manifest.dataset.get("landmarks"):
        origins[ANNOTATED] = PARTLY_FOUND if landmarks["given"] else FOUND
    if any(str(one.get("detector")).startswith(REGRESSOR) for one in records):
        origins[DETECTED] = REGRESSED
    return {
        label: {**about, "masks": origins[about["masks"]]} if about.get("masks") in origins else about
        for label, about in manifest.methods.items()
    }


def _search(tuning: Mapping[str, Any]) -> Search:
    spec = tuning["spec"]
    return Search(
        **{name: spec[name] for name in ("selection", "sampler", "pruner", "metric", "folds", "seed")},
        budget=f"{tuning['budget']} in each study",
        spaces=tuning["spaces"],
        trials_per_dimension=tuning.get("per_dimension"),
        params_file=tuning["file"],
        found_by=tuning.get("found_by", ""),
        given=tuning.get("params", {}),
    )


def _training(resolved: Mapping[str, Any]) -> dict[str, Any]:
    """Encoder and training of a suite, a setting a key: ``training.augmentation.flip``."""
    return dict(_leaves({name: resolved.get(name, {}) for name in ("encoder", "training")}))


def _leaves(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield above + name, value


def _distinct(records: Sequence[Mapping[str, Any]], name: str) -> list[str]:
    return sorted({str(record.get(name, "unknown")) for record in records})


def _versions(records: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    seen: dict[str, set[str]] = {}
    for record in records:
        for name, version in record.get("versions", {}).items():
            seen.setdefault(name, set()).add(version)
    return {name: sorted(versions) for name, versions in seen.items()}
