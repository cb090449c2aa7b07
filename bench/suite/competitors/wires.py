"""The programs on each wire, and sealed with each cipher."""

import os
import secrets

from competitors.programs import Programs
from load import MTU


class Plain(Programs):
    name = "plain"
    sizes = (MTU,)
    send_extra = ("--wire", "plain")


class Sequenced(Plain):
    name = "sequenced"
    # Parity would be another thing to pay for. Without loss there is none by default, either.
    send_extra = ("--wire", "sequenced", "--fec", "0")


class Sealed(Programs):
    sizes = (MTU,)
    cipher = None

    def __init__(self, setting):
        super().__init__(setting)
        path = os.path.join(setting.folder, "key")
        if not os.path.exists(path):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(secrets.token_hex(32) + "\n")
        self.extra = ("--key-file", path)
        self.send_extra = ("--cipher", self.cipher, "--fec", "0")


class SealedByAes(Sealed):
    name = "sealed, AES-256-GCM"
    cipher = "aes"


class SealedByChaCha(Sealed):
    name = "sealed, ChaCha20-Poly1305"
    cipher = "chacha"


ALL = [Plain, Sequenced, SealedByAes, SealedByChaCha]
