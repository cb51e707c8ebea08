# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs anything at all in minisign's format, with openssl: also what our own tool would rather not."""

import base64
import hashlib
import os
import subprocess
import tempfile

PKCS8_ED25519 = bytes.fromhex("302e020100300506032b657004220420")
KEY_AT = 2 + 2 + 2 + 32 + 8 + 8


def sign_anything(secret_path, path, comment="signed by a stranger's tool"):
    with open(secret_path, encoding="ascii") as file:
        raw = base64.b64decode(file.read().split("\n")[1])
    number, seed = raw[KEY_AT:KEY_AT + 8], raw[KEY_AT + 8:KEY_AT + 40]
    with open(path, "rb") as file:
        digest = hashlib.blake2b(file.read(), digest_size=64).digest()
    signature = ed25519(seed, digest)
    whole = ed25519(seed, signature + comment.encode())
    with open(path + ".minisig", "w", encoding="ascii") as file:
        file.write("untrusted comment: x\n" + base64.b64encode(b"ED" + number + signature).decode()
                   + f"\ntrusted comment: {comment}\n" + base64.b64encode(whole).decode() + "\n")


def ed25519(seed, message):
    with tempfile.TemporaryDirectory() as folder:
        key, text = os.path.join(folder, "key"), os.path.join(folder, "text")
        with open(key, "wb") as file:
            file.write(PKCS8_ED25519 + seed)
        with open(text, "wb") as file:
            file.write(message)
        done = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", key, "-in", text], check=True, capture_output=True)
    return done.stdout
