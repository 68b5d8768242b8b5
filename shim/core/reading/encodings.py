"""Encodings: whatever a message came in, its document in UTF-8.

A BOM decides, then what the XML declaration says. Where neither speaks, UTF-8 is tried before the charset of
the content type: the old server never read that one, and clients state it wrongly.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from shim.core.errors import CallerError
from shim.core.reading.pieces import PIECE

_MULTIBYTE = frozenset(
    {
        *("shift_jis", "cp932", "euc_jp", "euc_kr", "cp949"),
        *("gb2312", "gbk", "gb18030", "big5", "big5hkscs"),
    }
)
"""The codecs besides single-byte ones and UTF that are taken: none of them grows more than threefold."""
_NO_CHARSETS = ("charmap", "unicode-escape", "raw-unicode-escape", "iso2022")
"""Beginnings of codecs of Python that decode bytes one by one and are no encodings of messages."""
_ALIASES = {"ucs-2": "utf-16", "cp-1252": "cp1252", "iso8859-1": "latin-1", "x-sjis": "cp932"}
"""Names that clients use and Python does not know."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(r"<\?xml\s[^>]*?encoding\s*=\s*[\"']([^\"']{1,40})[\"']")
_USUAL = re.compile(rb"<\?xml version=[\"']1\.0[\"'] encoding=[\"'](?:UTF|utf)-8[\"'] ?\?>[ \t\r\n]*+(?=<[^?])")
"""The declaration of nearly all documents that have one."""
_DECLARATION = re.compile(r"\s*<\?xml\s[^>]*?\?>", re.DOTALL)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_ASCII = bytes(range(0x20, 0x7F))
_DECLARED_WITHIN = 512
"""Bytes in which an encoding is declared."""
_BEGINNING = 4096
"""Bytes in which the declaration of a long document has to end."""
_LABEL = re.compile(r"[A-Za-z0-9._:-]{1,40}", re.ASCII)


def as_utf8(data: bytes, content_type: str) -> bytes:
    """The document in UTF-8 without BOM and declaration, whatever it came in. Raises CallerError."""
    head = data[:64].lstrip()
    plain = head.startswith(b"<") and not head.startswith(b"<?xml") and head[1:2] != b"\0"
    if plain and "charset" not in content_type.lower():
        return data.lstrip()
    if len(data) <= PIECE and (data.isascii() or _is_utf8(data)):
        if plain and b"<?xml" not in data[:_DECLARED_WITHIN]:
            return data.lstrip()
        if usual := _USUAL.match(data):
            return data[usual.end() :]
    if len(data) > PIECE and (long := _long_utf8(data)) is not None:
        return long
    text = _text(data, content_type).lstrip("\ufeff")
    declaration = _DECLARATION.match(text)
    return text[declaration.end() if declaration else 0 :].lstrip().encode("utf-8", "surrogatepass")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _long_utf8(data: bytes) -> bytes | None:
    """The same of a long document in UTF-8, bit by bit; None: it is not, or begins in an unusual way."""
    codec, data = _encoding(data)
    if codec not in (None, "utf-8"):
        return None
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for at in range(0, len(data), PIECE):
            decoder.decode(data[at : at + PIECE], at + PIECE >= len(data))
    except UnicodeDecodeError:
        return None
    head = data[:_BEGINNING].decode("utf-8", "ignore")
    rest = head.lstrip("\ufeff")
    declaration = _DECLARATION.match(rest)
    rest = rest[declaration.end() if declaration else 0 :].lstrip()
    if not rest.startswith("<") or rest.startswith("<?xml"):
        return None
    return data[len(head.encode()) - len(rest.encode()) :]


def _text(data: bytes, content_type: str) -> str:
    codec, data = _encoding(data)
    if codec is not None:
        return _decoded(data, codec)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        charset = _CHARSET.search(content_type)
        return _decoded(data, (_codec(charset[1]) if charset else None) or "utf-8")


def _decoded(data: bytes, codec: str) -> str:
    try:
        return data.decode(codec)
    except (UnicodeDecodeError, LookupError):
        raise CallerError(
            "malformed-xml", f"The message is not well-formed XML: it cannot be decoded as {codec}."
        ) from None


def _encoding(data: bytes) -> tuple[str | None, bytes]:
    """The encoding by the BOM, the zero bytes or the declaration, and the message without its BOM."""
    for bom, codec in _BOMS:
        if data.startswith(bom):
            return codec, data[len(bom) :]
    head = data[:4]
    if head[:1] == b"\0" or head[1:2] == b"\0":
        return ("utf-16-be" if head[:1] == b"\0" else "utf-16-le"), data
    declared = _DECLARED.search(data[:_DECLARED_WITHIN].decode("latin-1"))
    if declared is None:
        return None, data
    codec_said = _codec(declared[1])
    if codec_said is None:
        raise CallerError(
            "encoding-refused",
            "The message is in an encoding that is not taken: send UTF-8, UTF-16, a single-byte encoding such "
            "as ISO-8859-2, Windows-1251 or KOI8-R, or Shift_JIS, EUC-JP, EUC-KR, GB 18030 or Big5.",
        )
    if codec_said.startswith("utf-16"):
        return None, data  # without a BOM or zero bytes it is not: as the XML rules have it
    return codec_said, data


@lru_cache(maxsize=256)
def _codec(name: str) -> str | None:
    """The codec of an encoding that is taken, by any name that Python knows it by; None: it is not taken."""
    if not _LABEL.fullmatch(name):
        return None
    try:
        codec = codecs.lookup(_ALIASES.get(name.lower(), name))
    except (LookupError, ValueError):
        return None
    if codec.name.startswith(_NO_CHARSETS) or not getattr(codec, "_is_text_encoding", True):
        return None
    if codec.name in ("utf-8", "ascii", "utf-16", "utf-16-le", "utf-16-be") or codec.name in _MULTIBYTE:
        return codec.name
    return codec.name if _single_byte(codec.name) else None


def _single_byte(codec: str) -> bool:
    """True if each byte is one character, and those of ASCII are themselves."""
    try:
        every = bytes(range(256)).decode(codec, "replace")
        return len(every) == 256 and _ASCII.decode(codec) == _ASCII.decode("ascii")
    except (UnicodeError, LookupError, ValueError):
        return False
