"""Small text files that people write: read as UTF-8, with the line where they are not."""

from pathlib import Path

from ingestion.errors import ExpectedError

MAX_BYTES = 1024 * 1024


class TextError(ExpectedError, ValueError):
    """A file is no readable text; the message says which, where and what to do.

    Attributes:
        data: What was read of it.
    """

    def __init__(self, message: str, data: bytes = b"") -> None:
        super().__init__(message)
        self.data = data


def read_text(path: Path, max_bytes: int = MAX_BYTES) -> str:
    """The text of a file, without a byte-order mark.

    Raises:
        TextError: it cannot be opened, is larger than `max_bytes` or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise TextError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(data) > max_bytes:
        raise TextError(f"{path}: is larger than {max_bytes // 1024} KiB; is it the right file?", data)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TextError(
            f"{path}:{line}: is not UTF-8 text (byte 0x{data[error.start]:02X}); save the file as UTF-8 "
            "(in Excel: CSV UTF-8)",
            data,
        ) from error
