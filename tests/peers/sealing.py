"""Sealing as docs/wire.md has it, written from that page alone, to check our own code against. No program of its own.

The ciphers come from the package cryptography (Debian: python3-cryptography).
"""

import hashlib
import hmac
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

ANNOUNCE, ACK, BYE, DATA, PARITY, NACK, LEAVE, TIME = range(0x11, 0x19)
FROM_RECEIVER = {ACK, NACK, LEAVE}
AES, CHACHA = 0, 0x40
CIPHERS = {AES: (b"AES-256-GCM", AESGCM), CHACHA: (b"ChaCha20-Poly1305", ChaCha20Poly1305)}


def hkdf_sha256(key, salt, info):
    """RFC 5869, for 32 bytes."""
    pseudorandom = hmac.new(salt, key, hashlib.sha256).digest()
    return hmac.new(pseudorandom, info + b"\x01", hashlib.sha256).digest()


def read_key(path):
    with open(path, encoding="ascii") as file:
        return bytes.fromhex(file.read().strip())


def head_length(kind):
    return 18 if kind in FROM_RECEIVER else 10


def cipher_for(key, kind, cipher, head):
    name, make = CIPHERS[cipher]
    direction = b"segment 1 receiver " if kind in FROM_RECEIVER else b"segment 1 sender "
    return make(hkdf_sha256(key, head[2:], direction + name))


def seal(key, cipher, number, plain):
    """The sealed datagram for a plain one."""
    kind = plain[1]
    length = head_length(kind)
    clear = bytes([0, kind | 0x80 | cipher]) + plain[2:length]
    additional = clear + struct.pack(">Q", number)
    nonce = bytes(4) + struct.pack(">Q", number)
    return additional + cipher_for(key, kind, cipher, clear).encrypt(nonce, plain[length:], additional)


def unseal(key, datagram):
    """The plain datagram and its number; None where it does not open."""
    if len(datagram) < 2 or datagram[0] != 0 or not datagram[1] & 0x80:
        return None
    kind, cipher = datagram[1] & 0x3F, datagram[1] & 0x40
    length = head_length(kind)
    clear, additional, sealed = datagram[:length], datagram[: length + 8], datagram[length + 8 :]
    nonce = bytes(4) + additional[length:]
    try:
        rest = cipher_for(key, kind, cipher, clear).decrypt(nonce, sealed, additional)
    except InvalidTag:
        return None
    return bytes([0, kind]) + clear[2:] + rest, struct.unpack(">Q", additional[length:])[0]
