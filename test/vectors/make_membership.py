"""Makes membership.json with another implementation than the one under test: a join request of L1, a member of the
consortium of manifest.json, and an invitation of L2 into it. Needs Python 3 and the package `cryptography`.
Run in this folder, after make.py: `python3 make_membership.py`. The same bytes come out each time.
"""

import base64
import hashlib
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def jcs(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def b64(data):
    return base64.b64encode(data).decode()


def signing_key(name):
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def envelope(payload_type, payload, key):
    pae = b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(payload), payload)
    keyid = sha256(key.public_key().public_bytes_raw())
    return {"payload": b64(payload), "payloadType": payload_type, "signatures": [{"keyid": keyid, "sig": b64(key.sign(pae))}]}


with open("manifest.json") as file:
    genesis = json.load(file)
signed = genesis["envelope"].encode()
manifest = json.loads(base64.b64decode(json.loads(signed)["payload"]))
member = manifest["members"][0]
asked = {"member": member, "consortium": genesis["cid"], "createdAtMs": 1700000000000}
proofs = {}
for role in ["consensusKey", "logKey", "witnessKey", "transportKey"]:
    proofs[role] = b64(signing_key(f"L1 {role}").sign(b"annulus/possession/v1/" + role.encode() + b"\n" + jcs(asked)))
request = envelope("application/vnd.annulus.join-request+json", jcs(asked | {"proofs": proofs}), signing_key("L1 orgKey"))

invitation = {
    "cid": genesis["cid"], "newest": genesis["cid"], "inviter": "L2",
    "createdAtMs": 1700000000000, "expiresAtMs": 1700604800000,
}
invited = {
    "envelope": envelope("application/vnd.annulus.invitation+json", jcs(invitation), signing_key("L2 orgKey")),
    "manifests": [b64(signed)],
}

with open("membership.json", "w") as file:
    vector = {
        "comment": "A join request of L1 and an invitation of L2 into the consortium of manifest.json; the digest of L1's line.",
        "joinRequest": jcs(request).decode(), "memberDigest": sha256(jcs(member)), "invitation": jcs(invited).decode(),
    }
    file.write(json.dumps(vector, indent=2, ensure_ascii=False) + "\n")
