"""VRML 2.0 files of one textured surface, as in BU-3DFE."""

from afnetm.data.formats.vrml.mesh import VrmlMesh
from afnetm.data.formats.vrml.reading import read_vrml
from afnetm.data.formats.vrml.writing import write_vrml

__all__ = ["VrmlMesh", "read_vrml", "write_vrml"]
