"""PDQ hashes of finished images, and when two of them show the same picture."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelError, SketchError

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_DISTANCE = 31
MIN_QUALITY = 50
"""Meta's advice (ThreatExchange, pdq/README.md): match up to 31 of 256, discard below 50."""

MAX_BYTES = 1 << 25
MAX_PIXELS = 1 << 24
SIDE = 1024
"""A side of twice this or more is shrunk first: hashing holds several float copies of it."""
MIN_SIDE = 64
"""PDQ looks at 64 x 64 averages: smaller pictures would be hashed by what was made up."""
FORMATS = ("PNG", "JPEG", "WEBP")
_ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True)
class ImageHash:
    """32 bytes of PDQ, bit 0 highest, as ThreatExchange writes them; ``quality`` is 0..100, and
    low where an image has so few edges that its bits are noise.
    """

    word: bytes
    quality: int


@dataclass(frozen=True, slots=True)
class ImageComparison:
    """How many of 256 bits differ, and what follows from it."""

    distance: int
    verdict: Literal["match", "mismatch", "inconclusive"]


def read_image(content: bytes) -> NDArray[np.uint8]:
    """Decode a PNG, JPEG or WebP to uint8 of shape (height, width, 3), red first.

    Sides from 2048 pixels on are shrunk by a whole factor (box average) to below 2048; transparent
    parts are shown on white. Raises SketchError for more than 32 MiB or 2^24 pixels, for what is
    not such an image, and for what a viewer would show otherwise than this function: several
    frames, or a rotation tag. ModelError when pillow is missing.
    """
    if len(content) > MAX_BYTES:
        raise SketchError(
            f"An image of {len(content)} bytes is too large.", f"Send at most {MAX_BYTES} bytes."
        )
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise _missing("pillow") from error
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            _check(image)
            return np.array(_flat(image), dtype=np.uint8)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    except UnidentifiedImageError as error:
        raise SketchError(
            "This is not an image of a known format.", f"Send one of {', '.join(FORMATS)}."
        ) from error
    except (OSError, ValueError, SyntaxError, EOFError, LookupError, struct.error, zlib.error) as e:
        raise SketchError("An image is damaged.", "Have it sent again.") from e


def hash_image(image: NDArray[Any]) -> ImageHash:
    """Hash pixels of shape (height, width, 3), uint8, red first, sides from 64 to 2047.

    Raises SketchError for another shape or type, ModelError when pdqhash is missing.
    """
    fits = image.ndim == 3 and image.dtype == np.uint8 and image.shape[2] == 3
    if not fits or not all(MIN_SIDE <= side < 2 * SIDE for side in image.shape[:2]):
        raise SketchError(
            f"Pixels of shape {image.shape} and type {image.dtype} cannot be hashed.",
            f"Give uint8 of shape (height, width, 3) with sides from {MIN_SIDE} to {2 * SIDE - 1}.",
        )
    try:
        import pdqhash
    except ImportError as error:
        raise _missing("pdqhash") from error
    bits, quality = pdqhash.compute(np.ascontiguousarray(image))
    return ImageHash(np.packbits(bits.astype(np.uint8)).tobytes(), int(quality))


def compare_images(own: ImageHash, claimed: ImageHash) -> ImageComparison:
    """Compare a verifier's own image with the provider's.

    Only ``own.quality`` can make the result inconclusive: otherwise a provider could send a blank
    image to escape. A match means similar, not identical: ``rag.lsh.latent_check`` says by whom.
    """
    distance = (int.from_bytes(own.word, "big") ^ int.from_bytes(claimed.word, "big")).bit_count()
    if own.quality < MIN_QUALITY:
        return ImageComparison(distance, "inconclusive")
    return ImageComparison(distance, "match" if distance <= MAX_DISTANCE else "mismatch")


def _check(image: Image) -> None:
    """Refuse by the image's header, before its pixels are decoded."""
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels()
    if getattr(image, "n_frames", 1) != 1:
        raise SketchError("An image has several frames.", "Send each frame as an image.")
    if image.getexif().get(_ORIENTATION, 1) != 1:
        raise SketchError("An image has a rotation tag.", "Save it upright, without the tag.")


def _flat(image: Image) -> Image:
    from PIL import Image as pillow  # noqa: N813

    if image.has_transparency_data:
        seen = image.convert("RGBA")
        image = pillow.alpha_composite(pillow.new("RGBA", seen.size, "white"), seen)
    image = image.convert("RGB")
    factor = max(image.size) // SIDE
    return image.reduce(factor) if factor > 1 else image


def _too_many_pixels() -> SketchError:
    return SketchError("An image has too many pixels.", f"Send at most {MAX_PIXELS} pixels.")


def _missing(package: str) -> ModelError:
    remedy = "Install it with: pip install 'chainrep[images]'."
    if package == "pdqhash":
        remedy += (
            " It is compiled on your machine, which takes a C++ compiler and Python's headers"
            " (on Debian and Ubuntu: apt install g++ python3-dev)."
        )
    return ModelError(f"The package {package} is not installed.", remedy)
