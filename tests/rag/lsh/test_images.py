"""PDQ of finished images: what matches, what does not, and hostile files."""

from __future__ import annotations

import struct
import sys
import zlib
from collections import Counter
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from rag.errors import ModelError, SketchError
from rag.lsh.images import (
    MAX_BYTES,
    MAX_DISTANCE,
    ImageHash,
    compare_images,
    hash_image,
    read_image,
)
from tests.rag.lsh.small_diffusion import paint


def png(pixels: np.ndarray, **options) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(7)
    return [paint(rng) for _ in range(40)]


@pytest.fixture(scope="module")
def hashes(pictures) -> list[ImageHash]:
    return [hash_image(one) for one in pictures]


def test_the_same_picture_matches_after_jpeg_and_noise(pictures, hashes):
    rng = np.random.default_rng(1)
    for pixels, own in zip(pictures, hashes, strict=True):
        file = BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=60)
        noisy = np.clip(pixels + rng.normal(0, 4, pixels.shape), 0, 255).astype(np.uint8)
        for seen in (read_image(file.getvalue()), noisy):
            assert compare_images(own, hash_image(seen)).distance <= MAX_DISTANCE
    good = [h for h in hashes if h.quality >= 50]
    assert len(good) >= 30
    assert all(compare_images(one, one).verdict == "match" for one in good)


def test_other_pictures_never_match(hashes):
    distances = [compare_images(a, b).distance for i, a in enumerate(hashes) for b in hashes[:i]]
    assert len(distances) == 780
    assert min(distances) > 2 * MAX_DISTANCE
    assert abs(np.mean(distances) - 128) < 2
    assert np.std(distances) < 10  # 8 for independent bits


def test_a_picture_with_half_its_sides_painted_over_is_mostly_noticed(pictures, hashes):
    noticed = 0
    for pixels, own in zip(pictures, hashes, strict=True):
        defaced = pixels.copy()
        defaced[32:96, 32:96] = (255, 0, 0)
        noticed += compare_images(own, hash_image(defaced)).distance > MAX_DISTANCE
    assert noticed >= 0.9 * len(pictures)


def test_a_blank_image_cannot_make_a_verdict_inconclusive_but_a_blank_own_image_does(hashes):
    blank = hash_image(np.full((128, 128, 3), 200, np.uint8))
    good = next(one for one in hashes if one.quality >= 50)
    assert blank.quality < 50
    assert compare_images(good, blank).verdict == "mismatch"
    assert compare_images(blank, good).verdict == "inconclusive"


def test_large_images_are_shrunk_and_keep_their_hash(pictures, hashes):
    large = np.asarray(Image.fromarray(pictures[0]).resize((2_100, 2_100)))
    pixels = read_image(png(large, compress_level=1))
    assert pixels.shape == (1_050, 1_050, 3)
    assert compare_images(hashes[0], hash_image(pixels)).distance <= 10


def test_grey_and_transparent_images_are_read_as_they_are_seen():
    shade = np.tile(np.arange(128, dtype=np.uint8), (128, 1))
    assert (read_image(png(shade)) == shade[:, :, None]).all()
    clear = np.dstack([shade, shade, shade, np.zeros_like(shade)])
    assert (read_image(png(clear)) == 255).all()


def claimed_size(width: int, height: int) -> bytes:
    """A small PNG whose header claims another size."""
    body = b"IHDR" + struct.pack(">II", width, height) + bytes([8, 2, 0, 0, 0])
    content = png(np.zeros((64, 64, 3), np.uint8))
    return content[:12] + body + struct.pack(">I", zlib.crc32(body)) + content[33:]


def animated() -> bytes:
    file = BytesIO()
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    return file.getvalue()


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 3
    file = BytesIO()
    Image.new("RGB", (64, 64)).save(file, "JPEG", exif=exif)
    return file.getvalue()


def gif() -> bytes:
    file = BytesIO()
    Image.new("RGB", (64, 64)).save(file, "GIF")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (lambda: bytes(MAX_BYTES + 1), "too large"),
        (lambda: claimed_size(4_097, 4_097), "too many pixels"),
        (lambda: claimed_size(10_000, 10_000), "too many pixels"),
        (lambda: claimed_size(100_000, 100_000), "too many pixels"),
        (lambda: b"not an image", "not an image"),
        (lambda: b"", "not an image"),
        (gif, "not an image of a known format"),
        (lambda: png(np.zeros((64, 64, 3), np.uint8))[:60], "damaged"),
        (animated, "several frames"),
        (turned, "rotation tag"),
    ],
)
def test_hostile_images_are_refused_with_a_sentence(content, says):
    with pytest.raises(SketchError, match=says) as caught_error:
        read_image(content())
    assert caught_error.value.remedy


def test_damaged_files_raise_nothing_else(pictures):
    rng = np.random.default_rng(5)
    files = []
    for form in ("PNG", "JPEG", "WEBP"):
        file = BytesIO()
        Image.fromarray(pictures[1][:64, :64]).save(file, form)
        files.append(file.getvalue())
    outcomes: Counter[str] = Counter()
    for _ in range(400):
        content = bytearray(files[rng.integers(3)])
        for _ in range(rng.integers(1, 6)):
            content[rng.integers(min(len(content), 400))] = rng.integers(256)
        try:
            assert read_image(bytes(content)).dtype == np.uint8
            outcomes["read"] += 1
        except SketchError:
            outcomes["refused"] += 1
    assert min(outcomes["read"], outcomes["refused"]) > 20


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((63, 64, 3), np.uint8), np.zeros((64, 64, 4), np.uint8),
        np.zeros((64, 64), np.uint8), np.zeros((64, 64, 3), np.float32),
        np.zeros((2_048, 64, 3), np.uint8),
    ],
    ids=str,
)  # fmt: skip
def test_pixels_that_pdq_would_not_read_as_meant_are_refused(pixels):
    with pytest.raises(SketchError, match="cannot be hashed"):
        hash_image(pixels)


def test_without_pdqhash_the_error_says_that_a_compiler_is_needed(monkeypatch, pictures):
    monkeypatch.setitem(sys.modules, "pdqhash", None)
    with pytest.raises(ModelError, match="pdqhash is not installed") as without:
        hash_image(pictures[0])
    assert "chainrep[images]" in without.value.remedy
    assert "g++" in without.value.remedy
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ModelError, match="pillow is not installed"):
        read_image(b"")
