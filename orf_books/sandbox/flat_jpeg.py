"""Drawing a JPEG of one colour, without an imaging library.

Belongs here: the few parts of the format that a single colour needs. Does not belong here: which
colour a book gets.

A block of eight by eight pixels is coded as the difference of its mean from that of the block
before, then as its details. Here only the first block has a difference and none has details, so
every other block is two bits per channel.
"""

import struct

_CHANNELS = 3
_BLOCK = 8
_MEANS_KEPT_WHOLE = bytes([0] + [8] * 64)
_DIFFERENCE_CODES = bytes([0x00, 1, 0, 0, 0, 8, *[0] * 11, *range(9)])
"""`0` is no difference; `10000` and the next seven are differences of 1 to 8 bits."""
_DETAIL_CODES = bytes([0x10, 1, *[0] * 15, 0])
"""`0` is a block without details."""
_NOTHING_NEW = "00"


def flat_jpeg(width: int, height: int, brightness: int, blue: int = 0, red: int = 0) -> bytes:
    """A JPEG of one colour.

    Args:
        width: pixels.
        height: pixels.
        brightness: 0 to 255.
        blue: how far from grey to blue, -128 to 127.
        red: how far from grey to red, -128 to 127.
    """
    blocks = -(-width // _BLOCK) * -(-height // _BLOCK)
    first = "".join(_first_block(mean) for mean in (brightness - 128, blue, red))
    segments = (
        _segment(0xDB, _MEANS_KEPT_WHOLE),
        _segment(0xC0, _frame(width, height)),
        _segment(0xC4, _DIFFERENCE_CODES),
        _segment(0xC4, _DETAIL_CODES),
        _segment(0xDA, bytes([_CHANNELS, 1, 0, 2, 0, 3, 0, 0, 63, 0])),
    )
    picture = _packed(first + _NOTHING_NEW * _CHANNELS * (blocks - 1))
    return b"\xff\xd8" + b"".join(segments) + picture + b"\xff\xd9"


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _frame(width: int, height: int) -> bytes:
    channels = b"".join(bytes([number, 0x11, 0]) for number in range(1, _CHANNELS + 1))
    return struct.pack(">BHHB", _BLOCK, height, width, _CHANNELS) + channels


def _first_block(mean: int) -> str:
    """The bits of a block that differs from nothing by its mean, without details."""
    if mean == 0:
        return _NOTHING_NEW
    length = abs(mean).bit_length()
    value = mean if mean > 0 else mean + (1 << length) - 1
    return f"{0b10000 + length - 1:05b}{value:0{length}b}0"


def _packed(bits: str) -> bytes:
    padded = bits + "1" * (-len(bits) % 8)
    packed = int(padded, 2).to_bytes(len(padded) // 8, "big")
    return packed.replace(b"\xff", b"\xff\x00")
