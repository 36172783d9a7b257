"""Random meshes in random layouts, as odd as VRML allows."""

import random

import numpy as np

#: Up to the first corner of its only polygon.
SQUARE = (
    "Shape { geometry IndexedFaceSet { coord Coordinate { point [0 0 0 1 0 0 0 1 0] }"
    " texCoord TextureCoordinate { point [0 0 1 0 0 1] } coordIndex ["
)


class Layout:
    """A random mesh in a random legal layout."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        count = rng.randint(3, 12)
        sizes = [rng.choice((3, 3, 3, 4, min(count, 7))) for _ in range(rng.randint(1, 6))]
        self.vertices = [[self.value() for _ in range(3)] for _ in range(count)]
        self.uv = [[self.value() for _ in range(2)] for _ in range(rng.randint(count, 15))]
        self.polygons = [rng.sample(range(count), min(size, count)) for size in sizes]
        self.uv_polygons = [[rng.randrange(len(self.uv)) for _ in polygon] for polygon in self.polygons]
        self.own_index, self.ccw = rng.random() < 0.7, rng.random() < 0.8

    def value(self) -> float:
        return float(
            np.float32(self.rng.choice((self.rng.uniform(-99, 99), self.rng.uniform(-1e-4, 1e-4), 0.0, 1e30, -3.0)))
        )

    def content(self) -> bytes:
        rng = self.rng
        fields = [
            ("coord", self.node("Coordinate", "point", [self.number(x) for row in self.vertices for x in row])),
            ("texCoord", self.node("TextureCoordinate", "point", [self.number(x) for row in self.uv for x in row])),
            ("coordIndex", self.index(self.polygons)),
            *([("texCoordIndex", self.index(self.uv_polygons))] if self.own_index else []),
            *([("ccw", "TRUE" if self.ccw else "FALSE")] if not self.ccw or rng.random() < 0.3 else []),
            *rng.sample(
                [
                    *(
                        ("solid", "FALSE"),
                        ("creaseAngle", "1.5e0"),
                        ("normal", self.node("Normal", "vector", ["1"] * 9)),
                    ),
                    *(
                        ("color", self.node("Color", "color", [".5", "1", "0"])),
                        ("colorIndex", self.array(["0", "-1"])),
                    ),
                    ("convex", "TRUE"),
                ],
                rng.randint(0, 4),
            ),
        ]
        rng.shuffle(fields)
        body = self.space().join(
            f"{name}{self.gap() if value[0] == '[' else self.space()}{value}" for name, value in fields
        )
        shape = (
            f"Shape{{geometry{self.space()}{self.named()}IndexedFaceSet{self.gap()}{{{self.gap()}{body}{self.gap()}}}}}"
        )
        for _ in range(rng.randint(0, 3)):
            children = rng.choice((shape, f"[{shape}]", f"[Viewpoint{{position 0 0 9}}{self.gap()}{shape} ]"))
            shape = f"{self.named()}{rng.choice(('Group', 'Transform'))}{self.gap()}{{children {children}}}"
        extra = rng.choice(("", 'WorldInfo { info ["# } \\" ]", "{"] } ', "ROUTE a.b TO c.d "))
        return (
            f"#VRML V2.0 utf8{rng.choice(('', ' made by hand # {'))}\n{self.gap()}{extra}{shape}{self.gap()}".encode()
        )

    def space(self) -> str:
        spaces = (" ", "\t", "\n", "\r\n", "\r", ", ", ",", "  ,, ", ' # [ } " 1 2 3 -1\n', "#\r", "\n\n#x\r\n,\t")
        return self.rng.choice(spaces)

    def gap(self) -> str:
        return self.rng.choice(("", " ", self.space()))

    def named(self) -> str:
        return self.rng.choice(("", f"DEF{self.space()}a-b.c{self.space()}"))

    def number(self, value: float) -> str:
        exact = self.rng.choice(
            (f"{value:.9g}", f"{value!r}", f"{value:.10e}", f"{value:.12E}", f"{value:f}".rstrip("0"))
        )
        text = exact if np.float32(float(exact)) == np.float32(value) else f"{value:.9g}"
        if self.rng.random() < 0.3:
            text = text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) and text[-2:] != "0." else text
        return self.rng.choice(("", "", "+")) + text if value >= 0 and text[0] != "-" else text

    def index(self, polygons: list[list[int]]) -> str:
        words = [self.integer(corner) for polygon in polygons for corner in (*polygon, -1)]
        return self.array(words[: -1 if self.rng.random() < 0.3 else None])

    def integer(self, value: int) -> str:
        return (
            "-1" if value < 0 else self.rng.choice((str(value), str(value), f"+{value}", f"0{value}", f"0x{value:X}"))
        )

    def node(self, kind: str, field: str, words: list[str]) -> str:
        return f"{self.named()}{kind}{self.gap()}{{{self.gap()}{field}{self.gap()}{self.array(words)}{self.gap()}}}"

    def array(self, words: list[str]) -> str:
        return "[" + self.gap() + "".join(word + self.space() for word in words) + "]"


def fans(polygons: list[list[int]], ccw: bool) -> list[list[int]]:
    found = [[polygon[0], *polygon[i : i + 2]] for polygon in polygons for i in range(1, len(polygon) - 1)]
    return found if ccw else [face[::-1] for face in found]
