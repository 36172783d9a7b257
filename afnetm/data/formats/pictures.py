"""Pictures of datasets: BMP, PNG and JPEG to sRGB arrays."""

import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from afnetm.errors import UserError

#: What is read; nothing else of Pillow's many formats is let near a file from outside.
FORMATS = ("BMP", "PNG", "JPEG")
#: What an open one calls itself: a JPEG file with further pictures behind the first is an MPO.
_OPEN = (*FORMATS, "MPO")
#: Larger pictures are refused before they are decoded, pixels: 8192 x 8192, 200 MB as an array.
MAX_PIXELS = 2**26


def read_picture(content: bytes, name: str) -> NDArray[np.uint8]:
    """The picture in the file with this content, ``(H, W, 3)`` uint8 sRGB, row 0 at the top; see `checked`.

    Raises:
        UserError: it is no BMP, PNG or JPEG, is damaged or has more than `MAX_PIXELS`; begins with `name`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's on size, which is checked here, and on odd metadata
        try:
            image = Image.open(io.BytesIO(content), formats=FORMATS)
        except Image.DecompressionBombError:
            raise UserError(f"{name}: the picture is too large (allowed: {MAX_PIXELS} pixels)") from None
        except Exception:  # damaged headers raise whatever a decoder stumbles over
            raise UserError(f"{name}: not a readable picture (allowed: {', '.join(FORMATS)})") from None
        return checked(image, name)


def checked(image: Image.Image, name: str) -> NDArray[np.uint8]:
    """The pixels of a picture that is open, decoded only after its size is known, ``(H, W, 3)`` uint8 sRGB.

    Grey becomes RGB, palettes are looked up, 16 bits are rounded to 8, alpha is dropped (what is under it is what
    texels at the edge blend with). Turning by EXIF is not done: uv are places in the picture as it is stored.

    Raises:
        UserError: its format is none of `FORMATS`, it is damaged or has more than `MAX_PIXELS`; begins with `name`.
    """
    width, height = image.size
    if image.format is not None and image.format not in _OPEN:
        raise UserError(f"{name}: a {image.format} picture (allowed: {', '.join(FORMATS)})")
    if not 0 < width * height <= MAX_PIXELS:
        raise UserError(f"{name}: {width} x {height} pixels (allowed: 1 to {MAX_PIXELS})")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if image.mode.startswith("I"):  # 16 bits, which Pillow would cut off at 255
                grey = np.asarray(image).astype(np.float32) / 257
                return np.repeat((grey + 0.5).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
            return np.array(image.convert("RGB"))
        except Exception as error:  # damaged data raise whatever a decoder stumbles over
            raise UserError(f"{name}: a damaged picture ({type(error).__name__})") from None


def read_depth_picture(content: bytes, name: str) -> NDArray[np.uint16]:
    """The steps of a depth picture ``(H, W)`` uint16, as they stand in a PNG file of 16 bits grey.

    Raises:
        UserError: it is no such file, or damaged, or has more than `MAX_PIXELS`; begins with `name`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = Image.open(io.BytesIO(content), formats=("PNG",))
        except Exception:
            raise UserError(f"{name}: not a depth picture (allowed: PNG of 16 bits grey)") from None
        width, height = image.size
        if not image.mode.startswith("I"):
            raise UserError(f"{name}: a picture of mode {image.mode} (allowed for depth: PNG of 16 bits grey)")
        if not 0 < width * height <= MAX_PIXELS:
            raise UserError(f"{name}: {width} x {height} pixels (allowed: 1 to {MAX_PIXELS})")
        try:
            return np.asarray(image).astype(np.uint16)
        except Exception as error:  # damaged data raise whatever a decoder stumbles over
            raise UserError(f"{name}: a damaged picture ({type(error).__name__})") from None


def write_picture(texture: NDArray[np.uint8], suffix: str) -> bytes:
    """The file content of a picture ``(H, W, 3)`` uint8; ``.bmp`` and ``.png`` are without loss, ``.jpg`` nearly so."""
    buffer = io.BytesIO()
    options = {"quality": 98, "subsampling": 0} if suffix == ".jpg" else {}
    Image.fromarray(texture).save(buffer, format={".bmp": "BMP", ".png": "PNG", ".jpg": "JPEG"}[suffix], **options)
    return buffer.getvalue()
