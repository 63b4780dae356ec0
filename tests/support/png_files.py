"""Pieces of PNG files, for tests that need files no encoder writes."""

import struct
import zlib


def chunk(kind: bytes, body: bytes) -> bytes:
    """Encode one chunk: length, kind, body, checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunks(png: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG file with further chunks after its header, each given by kind and body."""
    return png[:33] + b"".join(chunk(kind, body) for kind, body in chunks) + png[33:]
