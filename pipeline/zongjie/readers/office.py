"""Old Office files (``.doc .wps .rtf .odt``): LibreOffice makes a ``.docx`` of them, which ``docx`` reads.

In: the file's bytes. Out: ``Text``. LibreOffice runs without a window, with a profile of its own in a temporary folder,
so that it runs no macros, loads no links and meets no other LibreOffice; it and all that it starts are killed when its
time is up. Not for: spreadsheets and presentations.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from zongjie.errors import UnreadableDocument
from zongjie.readers import docx
from zongjie.readers.base import CONFIG, Origin, settings
from zongjie.text import Text

_SUFFIXES = {"application/rtf": ".rtf", "application/vnd.oasis.opendocument.text": ".odt"}
_FILTER = "docx:MS Word 2007 XML"
# A proxy that is not there: a document that refers to the network gets nothing.
_NO_NETWORK = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy")}
_REMEDY = "Open it in Word or WPS and save it as .docx."


def read(data: bytes, origin: Origin) -> Iterator[Text]:
    """Read an old Office file.

    Args:
        data: The file's bytes.
        origin: Where they come from.

    Yields:
        The one document.

    Raises:
        UnreadableDocument: If LibreOffice is not installed, takes too long or cannot read the file.
    """
    program = next((found for name in settings().office.programs if (found := shutil.which(name))), None)
    if program is None:
        reason = "it is an old Office file, which LibreOffice must convert, and LibreOffice is not installed"
        raise UnreadableDocument(origin.source, reason, settings().office.install)
    with tempfile.TemporaryDirectory(prefix="zongjie-", ignore_cleanup_errors=True) as folder:
        given = Path(folder, f"document{_SUFFIXES.get(origin.media_type, '.doc')}")
        given.write_bytes(data)
        converted = _convert(program, given, origin.source)
    yield from (replace(text, media_type=origin.media_type) for text in docx.read(converted, origin))


def _convert(program: str, given: Path, source: str) -> bytes:
    profile, made = given.parent / "profile", given.parent / "made"
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(settings().office.settings, encoding="utf-8")
    command = [
        *(program, "--headless", "--norestore", "--nologo", "--nolockcheck", "--nodefault", "--nofirststartwizard"),
        *(f"-env:UserInstallation={profile.as_uri()}", "--convert-to", _FILTER, "--outdir", str(made), str(given)),
    ]
    said = _run(command, given.parent, source)
    result = made / f"{given.stem}.docx"
    limit = settings().limits.max_unpacked_bytes
    if not result.is_file() or result.stat().st_size > limit:
        raise UnreadableDocument(source, f"LibreOffice could not convert it ({said or 'it said nothing'})", _REMEDY)
    return result.read_bytes()


def _run(command: list[str], folder: Path, source: str) -> str:
    """Run a program in a process group of its own; give the last line that it said."""
    seconds = settings().office.seconds
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **_NO_NETWORK, "HOME": str(folder), "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        remedy = f"{_REMEDY} Or raise [office] seconds in configs/{CONFIG}."
        raise UnreadableDocument(source, f"LibreOffice took more than {seconds:g} seconds over it", remedy) from None
    finally:
        _kill_group(process)
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else ""


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started, also what has outlived it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()
