"""Makes consensus.json beside this file: a FINALIZE certificate and a leader order, independent of src/."""
import base64
import hashlib
import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def jcs(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


keys = [Ed25519PrivateKey.from_private_bytes(bytes([i]) * 32) for i in range(4)]
public = [key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) for key in keys]
cid = hashlib.sha256(b"consortium").hexdigest()
body = b'{"h":5}'
x = hashlib.sha256(body).hexdigest()
statement = {"t": "FINALIZE", "cid": cid, "e": 3, "h": 5, "v": 1, "x": x}
signed = b"annulus/consensus/v1\n" + jcs(statement)
sigs = [[i, base64.b64encode(keys[i].sign(signed)).decode()] for i in (0, 2, 3)]
previous = hashlib.sha256(b"previous").digest()
ids = ["L1", "L2", "L3", "L4"]


def rank(i):
    return hashlib.sha256(previous + (5).to_bytes(8, "big") + ids[i].encode()).digest()


vector = {
    "source": "make_consensus.py; member i has the private key of 32 bytes i",
    "cid": cid,
    "epoch": 3,
    "height": 5,
    "previous": previous.hex(),
    "memberIds": ids,
    "leaderOrder": sorted(range(4), key=rank),
    "publicKeys": [key.hex() for key in public],
    "signedBytes": signed.hex(),
    "body": body.decode(),
    "certificate": {"kind": "FINALIZE", "h": 5, "v": 1, "x": x, "sigs": sigs},
}
Path(__file__).with_name("consensus.json").write_text(json.dumps(vector, indent=2) + "\n")
