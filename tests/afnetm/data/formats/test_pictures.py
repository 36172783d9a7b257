import io
import random
import struct
import tracemalloc
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image

from afnetm.data.formats.pictures import MAX_PIXELS, checked, read_picture, write_picture
from afnetm.errors import UserError

COLOURS = np.random.default_rng(0).integers(0, 256, (7, 5, 3), np.uint8)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises much and holds nothing."""
    chunks = (b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT", b"IEND")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )


@given(texture=arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
@pytest.mark.parametrize("suffix", [".bmp", ".png"])
def test_what_is_written_is_read_back(suffix: str, texture: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(read_picture(write_picture(texture, suffix), "x"), texture)


def test_a_jpeg_is_read_nearly_as_it_was() -> None:
    smooth = np.repeat(np.linspace(0, 255, 32, dtype=np.uint8)[:, None, None], 32, axis=1).repeat(3, axis=2)
    found = read_picture(encoded(Image.fromarray(smooth), "JPEG", quality=95), "x")
    assert np.abs(found.astype(int) - smooth).max() <= 4


def test_of_a_jpeg_with_several_pictures_the_first_is_read() -> None:
    several = [Image.new("RGB", (8, 8), colour) for colour in ("white", "black")]
    content = encoded(several[0], "MPO", save_all=True, append_images=several[1:])
    assert (read_picture(content, "x") == 255).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    image = Image.fromarray(COLOURS).convert(mode)
    found = read_picture(encoded(image, "PNG"), "x")
    assert (found.dtype, found.shape) == (np.uint8, (7, 5, 3))
    np.testing.assert_array_equal(found, np.asarray(image.convert("RGB")))


def test_colours_under_transparent_pixels_stay() -> None:
    clear = np.concatenate([COLOURS, np.zeros((7, 5, 1), np.uint8)], axis=2)
    np.testing.assert_array_equal(read_picture(encoded(Image.fromarray(clear), "PNG"), "x"), COLOURS)


def test_a_palette_with_transparency_is_looked_up_without_a_warning() -> None:
    image = Image.fromarray(COLOURS).quantize(16)
    content = encoded(image, "PNG", transparency=bytes(range(16)))
    np.testing.assert_array_equal(read_picture(content, "x"), np.asarray(image.convert("RGB")))


def test_sixteen_bits_are_rounded_to_eight() -> None:
    grey = np.array([[0, 128, 129, 257 * 100, 257 * 254 + 129, 65535]], np.uint16)
    found = read_picture(encoded(Image.fromarray(grey), "PNG"), "x")
    np.testing.assert_array_equal(found, np.repeat(np.array([[0, 0, 1, 100, 255, 255]])[..., None], 3, axis=2))


def test_exif_does_not_turn_the_picture() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    content = encoded(Image.fromarray(COLOURS), "PNG", exif=turned.tobytes())
    np.testing.assert_array_equal(read_picture(content, "x"), COLOURS)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PPM", "PDF"])
def test_other_formats_are_refused(kind: str) -> None:
    with pytest.raises(UserError, match=r"^x: not a readable picture \(allowed: BMP, PNG, JPEG\)$"):
        read_picture(encoded(Image.fromarray(COLOURS), kind), "x")


def test_an_open_picture_of_another_format_is_refused_and_one_made_in_memory_is_not() -> None:
    gif = Image.open(io.BytesIO(encoded(Image.fromarray(COLOURS), "GIF")))
    with pytest.raises(UserError, match=r"^x: a GIF picture \(allowed: BMP, PNG, JPEG\)$"):
        checked(gif, "x")
    np.testing.assert_array_equal(checked(Image.fromarray(COLOURS), "x"), COLOURS)


@pytest.mark.parametrize(
    ("width", "height", "wanted"),
    [
        (8193, 8192, r"^x: 8193 x 8192 pixels \(allowed: 1 to 67108864\)$"),
        (10_000, 10_000, r"^x: 10000 x 10000 pixels"),  # where Pillow warns
        (60_000, 60_000, r"^x: the picture is too large \(allowed: 67108864 pixels\)$"),  # where Pillow refuses
        (2**31 - 1, 2**31 - 1, "^x: "),
        (0, 5, "^x: "),
    ],
)
def test_large_pictures_are_refused_before_they_are_decoded(width: int, height: int, wanted: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match=wanted):
            read_picture(png_header(width, height), "x")
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()
    assert MAX_PIXELS == 8192 * 8192


@pytest.mark.parametrize("kind", ["BMP", "PNG", "JPEG"])
def test_a_cut_picture_is_refused(kind: str) -> None:
    content = encoded(Image.fromarray(np.tile(COLOURS, (20, 20, 1))), kind)
    for length in range(0, len(content) * 3 // 4, 97):
        with pytest.raises(UserError, match="^x: (a damaged picture|not a readable picture)"):
            read_picture(content[:length], "x")


@pytest.mark.parametrize("kind", ["BMP", "PNG", "JPEG"])
def test_damaged_pictures_are_read_or_refused_in_one_line(kind: str) -> None:
    rng, whole = random.Random(0), encoded(Image.fromarray(COLOURS), kind)
    for _ in range(1000):
        content = bytearray(whole)
        for _ in range(rng.choice((1, 2, 9))):
            content[rng.randrange(min(len(content), rng.choice((60, 9999))))] = rng.choice((0, 255, rng.randrange(256)))
        try:
            found, refused = read_picture(bytes(content), "x"), ""
        except UserError as error:
            found, refused = None, str(error)
        if found is None:
            assert refused.startswith("x: ")
            assert refused.isprintable()
        else:
            assert found.dtype == np.uint8
            assert found.shape[2] == 3
