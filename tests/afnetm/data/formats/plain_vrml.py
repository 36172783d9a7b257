"""A VRML reader that is slow and plain: what the real one is held against."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from afnetm.data.formats.vrml import VrmlMesh


class Plain:
    """One character at a time, one number at a time: the mesh of a file that is known to be legal."""

    def __init__(self, content: bytes) -> None:
        self.found: dict[str, list[str]] = {}
        tokens, stack = list(self.tokens(content.decode("latin-1"))), [""]
        for i, token in enumerate(tokens):
            if token == "{":
                stack.append(tokens[i - 1])
            elif token == "}":
                stack.pop()
            elif token in ("point", "coordIndex", "texCoordIndex", "ccw") and "IndexedFaceSet" in stack:
                self.found[f"{stack[-1]} {token}"] = list(self.words(tokens[i + 1 :]))

    @staticmethod
    def tokens(text: str) -> Iterator[str]:
        i = 0
        while i < len(text):
            start = i
            if text[i] == "#":
                while i < len(text) and text[i] not in "\r\n":
                    i += 1
            elif text[i] in " \t\r\n,":
                i += 1
            elif text[i] in "{}[]":
                i += 1
                yield text[start]
            elif text[i] == '"':
                i += 1
                while text[i] != '"':
                    i += 2 if text[i] == "\\" else 1
                i += 1
                yield text[start:i]
            else:
                while i < len(text) and text[i] not in ' \t\r\n,{}[]"#':
                    i += 1
                yield text[start:i]

    @staticmethod
    def words(tokens: list[str]) -> Iterator[str]:
        listed = tokens[0] == "["
        for token in tokens[listed:]:
            if token in "]}" or not (listed or token[0] in "+-.0123456789" or token in ("TRUE", "FALSE")):
                return
            yield token

    def vectors(self, key: str, width: int) -> list[list[np.float32]]:
        values = [np.float32(float(word)) for word in self.found[key]]
        return [values[i : i + width] for i in range(0, len(values), width)]

    def triangles(self, key: str) -> list[tuple[int, int, int]]:
        found, polygon = [], list[int]()
        for word in [*self.found[key], "-1"]:
            value = int(word, 16) if "x" in word.lower() else int(word)
            if value != -1:
                polygon.append(value)
                continue
            found += [(polygon[0], b, c) for b, c in pairwise(polygon[1:])]
            polygon = []
        if self.found.get("IndexedFaceSet ccw") == ["FALSE"]:
            found = [(c, b, a) for a, b, c in found]
        return found


def agree(mesh: VrmlMesh, content: bytes) -> None:
    """The mesh is what the plain reader reads, and can be used as it is."""
    plain = Plain(content)
    index = (
        "IndexedFaceSet texCoordIndex"
        if plain.found.get("IndexedFaceSet texCoordIndex")
        else "IndexedFaceSet coordIndex"
    )
    np.testing.assert_array_equal(mesh.vertices, plain.vectors("Coordinate point", 3))
    np.testing.assert_array_equal(mesh.uv, plain.vectors("TextureCoordinate point", 2))
    np.testing.assert_array_equal(mesh.faces, plain.triangles("IndexedFaceSet coordIndex"))
    np.testing.assert_array_equal(mesh.uv_faces, plain.triangles(index))
    assert mesh.faces.shape == mesh.uv_faces.shape
    assert (len(mesh.faces), mesh.faces.shape[1]) == (len(mesh.faces), 3)
    for corners, points in ((mesh.faces, mesh.vertices), (mesh.uv_faces, mesh.uv)):
        assert np.isfinite(points).all()
        assert corners.min() >= 0
        assert corners.max() < len(points)
