"""Pictures and scanned pages, read by OCR (RapidOCR: PP-OCR models that its wheel holds, run by ONNX Runtime).

In: bytes of a PNG, JPEG, TIFF, GIF or BMP, or a picture of a page. Out: ``Text`` with a notice that it is from OCR, or
the lines of one page. Needs the extra ``ocr``; nothing is downloaded. Not for: layout beyond lines.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from zongjie.errors import UnreadableDocument
from zongjie.readers.base import CONFIG, Builder, Origin, clean, empty, settings
from zongjie.readers.lines import Line, lay_pages, whole_lines
from zongjie.text import Notice, Stated, Text

if TYPE_CHECKING:
    from PIL import Image

_PARAMS = {"Global.log_level": "critical", "EngineConfig.onnxruntime.intra_op_num_threads": 1}
_SHOWN = 10  # page numbers that a notice names


@cache
def is_installed() -> bool:
    """Say whether the extra is there; finding out loads nothing."""
    return find_spec("rapidocr") is not None and find_spec("PIL") is not None


def notice(pages: Iterable[int]) -> Notice:
    """Say which pages were read by OCR."""
    named = ", ".join(map(str, list(pages)[:_SHOWN]))
    message = f"The text of pages {named} is from OCR; characters and numbers may be mistaken, compare the original."
    return Notice("ocr_text", message)


def read(data: bytes, origin: Origin) -> Iterator[Text]:
    """Read a picture, or each frame of one as a page.

    Args:
        data: The picture's bytes.
        origin: Where they come from.

    Yields:
        The one document.

    Raises:
        UnreadableDocument: If it is damaged, too large or without text, or the extra is not installed.
    """
    if not is_installed():
        raise UnreadableDocument(origin.source, "it is a picture, perhaps a scan", settings().ocr.install)
    pages: list[list[Line]] = []
    for frame in _frames(data, origin.source):
        pages.append(lines_of(frame, page=len(pages) + 1))
    if not any(pages):
        raise empty(origin.source)
    builder = Builder()
    builder.notice(notice(range(1, len(pages) + 1)))
    lay_pages(pages, builder, origin.source)
    yield builder.build(origin, Stated())


def _frames(data: bytes, source: str) -> Iterator[Image.Image]:
    from PIL import Image, UnidentifiedImageError

    limits = settings().limits
    try:
        with Image.open(io.BytesIO(data)) as picture:
            count = getattr(picture, "n_frames", 1)
            if picture.width * picture.height > limits.max_pixels or count > limits.max_pages:
                reason = f"it has {count:,} frames of {picture.width:,} by {picture.height:,} dots, beyond the limits"
                raise UnreadableDocument(source, reason, f"Make it smaller, or raise [limits] in configs/{CONFIG}.")
            for number in range(count):
                picture.seek(number)
                yield picture.convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableDocument(
            source, f"the picture is damaged ({type(error).__name__})", "Get the file again."
        ) from error


@cache
def _engine() -> Any:  # noqa: ANN401 - the library has no types
    from rapidocr import RapidOCR

    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
    return RapidOCR(params=_PARAMS)


def lines_of(picture: Image.Image, *, page: int) -> list[Line]:
    """Read the lines of one page.

    Args:
        picture: The page.
        page: Its number from 1.

    Returns:
        Lines from top to bottom, pieces that stand side by side joined by a space; lengths in dots.
    """
    import numpy as np

    found = _engine()(np.asarray(picture.convert("RGB"))[:, :, ::-1])
    if found.boxes is None:
        return []
    height = float(picture.height)
    pieces = [
        Line(words, page, *_edges(box.tolist(), height))
        for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
        if score >= settings().ocr.least_score and (words := clean(text)[0].strip())
    ]
    return whole_lines(pieces, height, gap=" ")


def _edges(box: list[list[float]], height: float) -> tuple[float, float, float, float]:
    """Give left, right, top and bottom of a box of four corners, measured from the lower left of the page."""
    across, down = zip(*box, strict=True)
    return min(across), max(across), height - min(down), height - max(down)
