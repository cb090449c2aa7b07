"""The frame tag, built and read from docs/wire.md section 2 alone, to check our own code against. No program of its own."""

import struct

SOI = b"\xff\xd8"
EOI = b"\xff\xd9"
IDENTIFIER = b"SEGMENT\0"
VERSION = 1
# marker, segment length, identifier, version, flags, stream id, frame number, capture time, frame length, CRC-32C
LAYOUT = struct.Struct(">2sH8sBB8sIQII")
assert LAYOUT.size == 42


def _crc32c_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _crc32c_table()


def crc32c(message):
    """CRC-32C (Castagnoli) as in RFC 3720 appendix B.4."""
    crc = 0xFFFFFFFF
    table = _TABLE
    for byte in message:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def build(jpeg, stream_id, number, captured, flags=0, version=VERSION, frame_length=None, crc=None, segment_length=40):
    """The 42 bytes of the tag of this JPEG. A value that is given stands in the tag as it is, right or wrong."""
    frame_length = len(jpeg) if frame_length is None else frame_length
    start = (b"\xff\xe9", segment_length, IDENTIFIER, version, flags, stream_id)
    head = LAYOUT.pack(*start, number, captured, frame_length, 0)
    crc = crc32c(head[4:38] + jpeg) if crc is None else crc
    return head[:38] + struct.pack(">I", crc)


def insert(jpeg, tag):
    """The JPEG with the tag right after SOI."""
    return jpeg[:2] + tag + jpeg[2:]


def stands_at(frame, offset):
    """Whether a segment with our identifier begins there."""
    return frame[offset : offset + 2] == b"\xff\xe9" and frame[offset + 4 : offset + 12] == IDENTIFIER


def split(frame):
    """The tag's fields (None where there is no tag), the JPEG without it, and what is wrong with the two."""
    if not stands_at(frame, 2):
        return None, frame, []
    if len(frame) < 2 + LAYOUT.size:
        return None, frame, ["the tag is cut off"]
    _, segment_length, _, version, flags, stream_id, number, captured, frame_length, crc = LAYOUT.unpack_from(frame, 2)
    jpeg = frame[:2] + frame[2 + LAYOUT.size :]
    faults = []
    if segment_length != 40:
        faults.append(f"segment length {segment_length}, not 40")
    if version != VERSION:
        faults.append(f"tag version {version}, not {VERSION}")
    if frame_length != len(jpeg):
        faults.append(f"frame length {frame_length}, but the JPEG has {len(jpeg)} bytes")
    computed = crc32c(frame[2 + 4 : 2 + 38] + jpeg)
    if crc != computed:
        faults.append(f"CRC-32C {crc:08x}, but the frame has {computed:08x}")
    fields = {"version": version, "flags": flags, "stream_id": stream_id.hex(), "number": number, "captured": captured}
    return fields, jpeg, faults
