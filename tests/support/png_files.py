"""Pieces of PNG files, for tests that need files no encoder writes."""

import struct
import zlib


def chunk(kind: bytes, body: bytes) -> bytes:
    """Encode one chunk: length, kind, body, checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
