"""Files: what people and the bot uploaded, and the signed links under which they are served."""

from __future__ import annotations

import hashlib
import hmac
import mimetypes
import re
import secrets
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from .clock import Clock
from .ids import Snowflakes

#: Press reports of Discord's 2023 announcement; its docs only say that links expire.
LINK_LIFETIME: Final = 24 * 3600.0
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_GIF: Final = (b"GIF87a", b"GIF89a")


@dataclass(frozen=True)
class Upload:
    """A file a member attaches. What is left None is what an honest client would say.

    ``content_type`` and ``size`` are what Discord tells the bot; ``served_type``,
    ``served_length`` and ``status`` are how the link answers, ``cut_after`` the number of bytes
    after which the connection breaks: for members, networks and CDNs that lie.
    """

    filename: str
    content_type: str | None
    data: bytes | Path
    size: int | None = None
    description: str | None = None
    served_type: str | None = None
    served_length: int | None = None
    status: int = 200
    cut_after: int | None = None


class Attachment:
    """One stored file; as part of a message its ``url`` is signed and expires."""

    __slots__ = (
        "_data",
        "_store",
        "channel_id",
        "content_type",
        "cut_after",
        "description",
        "ephemeral",
        "filename",
        "height",
        "id",
        "path",
        "removed",
        "served_length",
        "served_type",
        "size",
        "status",
        "title",
        "width",
    )

    def __init__(self, store: MediaStore, upload: Upload, channel_id: int) -> None:
        self._store = store
        self.id = store.ids.next()
        self.channel_id = channel_id
        self.filename = safe_name(upload.filename)
        self.title = title_of(upload.filename, self.filename)
        self.content_type = upload.content_type
        self.description = upload.description
        self.ephemeral = False
        self.removed = False
        self._data = upload.data if isinstance(upload.data, bytes) else None
        self.path = upload.data if isinstance(upload.data, Path) else None
        real = len(upload.data) if isinstance(upload.data, bytes) else upload.data.stat().st_size
        self.size = real if upload.size is None else upload.size
        self.served_type = upload.served_type or upload.content_type
        self.served_length = upload.served_length
        self.status = upload.status
        self.cut_after = upload.cut_after
        self.width, self.height = picture_size(self.head())

    def head(self) -> bytes:
        """The first bytes, enough to see what it is."""
        if self._data is not None:
            return self._data[:32]
        assert self.path is not None
        with self.path.open("rb") as file:
            return file.read(32)

    def read(self) -> bytes:
        """All bytes as Discord received them."""
        if self._data is not None:
            return self._data
        assert self.path is not None
        return self.path.read_bytes()

    @property
    def url(self) -> str:
        """A fresh signed link, valid for the store's ``lifetime``."""
        return self._store.sign(self)

    def __repr__(self) -> str:
        return f"<Attachment {self.filename} {self.size} bytes>"


class MediaStore:
    """Keeps uploaded files in a temporary directory and signs links to them."""

    def __init__(self, clock: Clock, ids: Snowflakes) -> None:
        self.clock = clock
        self.ids = ids
        self.lifetime = LINK_LIFETIME
        self.base_url = ""
        self._secret = secrets.token_bytes(32)
        self._files: dict[int, Attachment] = {}
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._count = 0

    def new_path(self) -> Path:
        """A path that does not exist yet, to stream an upload into."""
        if self._directory is None:
            self._directory = tempfile.TemporaryDirectory(prefix="sandbox-discord-")
        self._count += 1
        return Path(self._directory.name) / f"{self._count}.part"

    def host(self, upload: Upload, channel_id: int, *, ephemeral: bool = False) -> Attachment:
        """Store ``upload``; its link works at once."""
        attachment = Attachment(self, upload, channel_id)
        attachment.ephemeral = ephemeral
        self._files[attachment.id] = attachment
        return attachment

    def get(self, attachment_id: int) -> Attachment | None:
        """The file with this id, unless it was removed."""
        found = self._files.get(attachment_id)
        return None if found is None or found.removed else found

    def sign(self, file: Attachment) -> str:
        """The file's link as of now."""
        now = int(self.clock.now())
        issued, expires = f"{now:x}", f"{int(now + self.lifetime):x}"
        kind = "ephemeral-attachments" if file.ephemeral else "attachments"
        path = f"{kind}/{file.channel_id}/{file.id}/{quote(file.filename)}"
        mark = self._mark(path, expires, issued)
        return f"{self.base_url}/cdn/{path}?ex={expires}&is={issued}&hm={mark}&"

    def renew(self, url: str) -> str:
        """A fresh link for one of ours, however old; any other address as it is."""
        if not url.startswith(f"{self.base_url}/cdn/"):
            return url
        file = self._files.get(int(url.split("?", maxsplit=1)[0].split("/")[-2]))
        return url if file is None else self.sign(file)

    def valid(self, path: str, query: dict[str, str]) -> bool:
        """Whether a link (its path after ``/cdn/``, percent-encoded) is ours and not expired."""
        expires, issued = query.get("ex", ""), query.get("is", "")
        mark = self._mark(path, expires, issued)
        if not hmac.compare_digest(mark.encode(), query.get("hm", "").encode()):
            return False
        return int(expires, 16) > self.clock.now()

    def _mark(self, path: str, expires: str, issued: str) -> str:
        text = f"{path}?{expires}&{issued}".encode()
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()

    def close(self) -> None:
        """Delete every file."""
        self._files.clear()
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None


def safe_name(filename: str) -> str:
    """The name Discord keeps: spaces and anything unusual become underscores."""
    return re.sub(r"[^\w.\-]", "_", filename.rsplit("/", 1)[-1], flags=re.ASCII) or "unknown"


def title_of(original: str, kept: str) -> str | None:
    """The original name without its extension, where the kept name differs."""
    return None if original == kept else original.rsplit(".", 1)[0]


def type_of(filename: str) -> str | None:
    """The content type Discord derives from the extension of an upload."""
    return mimetypes.guess_type(filename)[0]


def picture_size(head: bytes) -> tuple[int | None, int | None]:
    """Width and height in pixels of a PNG or GIF, from its first 24 bytes; else None twice."""
    if head.startswith(_PNG) and len(head) >= len(_PNG) + 16:
        width, height = struct.unpack(">II", head[16:24])
        return width, height
    if head.startswith(_GIF) and len(head) >= len(_GIF[0]) + 4:
        width, height = struct.unpack("<HH", head[6:10])
        return width, height
    return None, None
