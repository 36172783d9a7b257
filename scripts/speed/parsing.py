"""A BU-3DFE-like mesh file as text: our reader against the importer of VTK."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from afnetm.data.formats.vrml import VrmlMesh, read_vrml, write_vrml
from afnetm.data.synthetic import SyntheticSource

_ROUNDS = 15


def vrml(directory: Path) -> dict[str, float]:
    """Milliseconds of processor time to read one ``.wrl`` of about 2.8 MB, interleaved, medians; and the ratio to ours.

    VTK makes a scene that can be drawn of it, in which corners share no vertices; ours are the file's own indices,
    checked. Neither reads the picture.
    """
    directory.mkdir()
    path = directory / "scan.wrl"
    scan = SyntheticSource(seed=0, subjects=1, intensities=(4,), clean=True).load("s000_happiness_4")
    mesh = VrmlMesh(scan.vertices, scan.faces, scan.uv, scan.uv_faces, ())
    path.write_bytes(write_vrml(mesh))
    readers: dict[str, Callable[[Path], int]] = {"ours": _ours, "VTK": _vtk_reader()}
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    for round_ in range(_ROUNDS + 1):
        for name, read in readers.items():
            started = time.process_time()
            triangles = read(path)
            ended = time.process_time()
            if triangles != len(scan.faces):
                raise AssertionError(f"{name} read {triangles} triangles of {len(scan.faces)}")
            if round_:  # the first warms up
                seconds[name].append(ended - started)
    ratios = [theirs / ours for theirs, ours in zip(seconds["VTK"], seconds["ours"], strict=True)]
    return {
        "MB": path.stat().st_size / 1e6,
        "triangles": len(scan.faces),
        **{f"{name}, ms": 1000 * float(np.median(times)) for name, times in seconds.items()},
        "VTK / ours": float(np.median(ratios)),
    }


def _ours(path: Path) -> int:
    return len(read_vrml(path.read_bytes(), path.name).faces)


def _vtk_reader() -> Callable[[Path], int]:
    import vtkmodules.vtkRenderingOpenGL2  # noqa: F401 (registers what draws; nothing is drawn)
    from vtkmodules.vtkCommonCore import vtkLogger
    from vtkmodules.vtkIOImport import vtkVRMLImporter
    from vtkmodules.vtkRenderingCore import vtkRenderWindow

    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)  # it misses a screen
    window = vtkRenderWindow()

    def read(path: Path) -> int:
        importer = vtkVRMLImporter()
        importer.SetRenderWindow(window)
        importer.SetFileName(str(path))
        importer.Update()
        actors = importer.GetRenderer().GetActors()
        return int(actors.GetLastActor().GetMapper().GetInput().GetNumberOfPolys())

    return read
