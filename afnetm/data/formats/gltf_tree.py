"""The JSON of glTF 2.0, as much of it as a textured surface needs; names are those of Khronos's specification."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

#: Nodes, meshes, and parts of a mesh that may be named: a scanned face has one part.
MAX_PARTS = 256
#: Bytes of a number, numbers of an element.
_BYTES = {5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4}
_COLUMNS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}

_Index = Annotated[int, Field(ge=0)]
_Numbers = list[Annotated[float, Field(allow_inf_nan=False)]]


class Known(BaseModel):
    """What is known of an object; whatever else it says is left out."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, strict=False)


class Buffer(Known):
    """The bytes: those of this very file."""

    byte_length: _Index
    uri: None = None


class View(Known):
    """A piece of the bytes."""

    buffer: Literal[0]
    byte_offset: _Index = 0
    byte_length: Annotated[int, Field(ge=1)]
    byte_stride: Annotated[int, Field(ge=4, le=252)] | None = None


class Accessor(Known):
    """An array in a view."""

    buffer_view: _Index
    byte_offset: _Index = 0
    component_type: Literal[5120, 5121, 5122, 5123, 5125, 5126]
    count: Annotated[int, Field(ge=1)]
    type: Literal["SCALAR", "VEC2", "VEC3", "VEC4", "MAT2", "MAT3", "MAT4"]
    sparse: None = None

    @property
    def size(self) -> int:
        """Bytes of the array."""
        return self.count * _BYTES[self.component_type] * _COLUMNS[self.type]


class Attributes(Known):
    """What each vertex has: accessors."""

    position: _Index = Field(alias="POSITION")
    uv: _Index | None = Field(None, alias="TEXCOORD_0")


class Primitive(Known):
    """Triangles (4) or strips of them (5)."""

    attributes: Attributes
    indices: _Index | None = None
    material: _Index | None = None
    mode: Literal[4, 5] = 4


class Mesh(Known):
    """Primitives that belong together."""

    primitives: Annotated[list[Primitive], Field(min_length=1, max_length=MAX_PARTS)]


class Node(Known):
    """A place in the scene."""

    mesh: _Index | None = None
    children: list[_Index] = []
    matrix: Annotated[_Numbers, Field(min_length=16, max_length=16)] | None = None
    translation: Annotated[_Numbers, Field(min_length=3, max_length=3)] | None = None
    rotation: Annotated[_Numbers, Field(min_length=4, max_length=4)] | None = None
    scale: Annotated[_Numbers, Field(min_length=3, max_length=3)] | None = None


class Scene(Known):
    """The roots of a tree of nodes."""

    nodes: list[_Index] = []


class TextureUse(Known):
    """A texture, by the first texture coordinates."""

    index: _Index
    tex_coord: Literal[0] = 0


class Surface(Known):
    """How a material looks."""

    base_color_texture: TextureUse | None = None


class Material(Known):
    """What a primitive is painted with."""

    pbr_metallic_roughness: Surface = Surface()


class Texture(Known):
    """A picture, sampled somehow."""

    source: _Index | None = None


class Image(Known):
    """A picture: a view, or a file's name."""

    uri: str | None = None
    buffer_view: _Index | None = None


class Tree(Known):
    """The whole: lists of objects that name each other by their places in these lists."""

    extensions_used: list[str] = []
    extensions_required: list[str] = []
    scene: _Index = 0
    scenes: Annotated[list[Scene], Field(min_length=1)]
    nodes: Annotated[list[Node], Field(min_length=1, max_length=MAX_PARTS)]
    meshes: Annotated[list[Mesh], Field(min_length=1, max_length=MAX_PARTS)]
    accessors: list[Accessor]
    buffer_views: list[View]
    buffers: Annotated[list[Buffer], Field(min_length=1, max_length=1)]
    materials: list[Material] = []
    textures: list[Texture] = []
    images: list[Image] = []
