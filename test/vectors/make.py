"""Makes the vectors in this folder with another implementation than the one under test.

Needs Python 3 and the package `cryptography`. Run in this folder: `python3 make.py`. The same bytes come out
each time; signatures are deterministic, keys are SHA-256 of a name.
"""

import base64
import hashlib
import hmac
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand


def jcs(value):
    """RFC 8785 for integers and texts of the basic plane: Python sorts by code point, which agrees there."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def b64(data):
    return base64.b64encode(data).decode()


def save(name, value):
    with open(name, "w") as file:
        file.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def signing_key(name):
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def public(key):
    return key.public_key().public_bytes_raw()


def envelope(payload_type, payload, keys):
    pae = b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(payload), payload)
    return {
        "payload": b64(payload),
        "payloadType": payload_type,
        "signatures": [{"keyid": sha256(public(key)), "sig": b64(key.sign(pae))} for key in keys],
    }


# --- HPKE -----------------------------------------------------------------------------------------------

def hkdf_extract(salt, secret):
    return hmac.new(salt or bytes(32), secret, hashlib.sha256).digest()


def hkdf_expand(secret, info, length):
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.new(secret, block + info + bytes([counter]), hashlib.sha256).digest()
        out, counter = out + block, counter + 1
    return out[:length]


def hpke_seal(ephemeral, recipient, info, aad, plaintext, aead):
    """RFC 9180 base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256; aead 1 = AES-128-GCM, 2 = AES-256-GCM."""
    def extract(suite, salt, label, secret):
        return hkdf_extract(salt, b"HPKE-v1" + suite + label + secret)

    def expand(suite, secret, label, context, length):
        return hkdf_expand(secret, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context, length)

    key = X25519PrivateKey.from_private_bytes(ephemeral)
    enc = key.public_key().public_bytes_raw()
    dh = key.exchange(X25519PublicKey.from_public_bytes(recipient))
    kem = b"KEM\x00\x20"
    shared = expand(kem, extract(kem, b"", b"eae_prk", dh), b"shared_secret", enc + recipient, 32)
    suite = b"HPKE\x00\x20\x00\x01" + aead.to_bytes(2, "big")
    context = b"\0" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", info)
    secret = extract(suite, shared, b"secret", b"")
    aead_key = expand(suite, secret, b"key", context, 16 if aead == 1 else 32)
    nonce = expand(suite, secret, b"base_nonce", context, 12)
    return enc + AESGCM(aead_key).encrypt(nonce, plaintext, aad)


def make_hpke():
    # RFC 9180, A.1.1.
    info = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
    plaintext = bytes.fromhex("4265617574792069732074727574682c20747275746820626561757479")
    aad = bytes.fromhex("436f756e742d30")
    sk_e = bytes.fromhex("52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736")
    sk_r = bytes.fromhex("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8")
    pk_r = bytes.fromhex("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d")
    published = "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a"
    assert hpke_seal(sk_e, pk_r, info, aad, plaintext, 1)[32:].hex() == published
    save("hpke.json", {
        "comment": "DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, base mode. Keys, info, aad and plaintext of RFC 9180 A.1.1, whose AES-128-GCM ciphertext the generator reproduces. sealed = enc || ct.",
        "skE": sk_e.hex(), "skR": sk_r.hex(), "pkR": pk_r.hex(),
        "info": info.hex(), "aad": aad.hex(), "plaintext": plaintext.hex(),
        "sealed": hpke_seal(sk_e, pk_r, info, aad, plaintext, 2).hex(),
        "sealedWithoutAad": hpke_seal(sk_e, pk_r, info, b"", plaintext, 2).hex(),
    })


# --- Chunked encryption ---------------------------------------------------------------------------------

def cobblestone(key, salt, context, plaintext):
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + context
    derived = HKDFExpand(hashes.SHA512(), 76, info).derive(key)
    aead, nonce = AESGCM(derived[:32]), int.from_bytes(derived[32:44], "big")
    chunks = [
        aead.encrypt((nonce ^ i).to_bytes(12, "big"), plaintext[i * 16384:(i + 1) * 16384], b"")
        for i in range(len(plaintext) // 16384 + 1)
    ]
    return salt + derived[44:] + b"".join(chunks)


def make_cobblestone():
    key, salt, cases = bytes(range(32)), bytes(range(24)), []
    for size, context in [(0, b""), (11, b"test"), (16383, b"edge"), (16384, b"edge"), (40000, b'{"a":1}')]:
        made = cobblestone(key, salt, context, bytes((i * 31 + 7) & 255 for i in range(size)))
        case = {"plaintextBytes": size, "context": context.hex(), "ciphertextBytes": len(made), "sha256": sha256(made)}
        cases.append(case | ({"ciphertext": made.hex()} if size < 100 else {}))
    save("cobblestone-256.json", {
        "comment": "Cobblestone-256 (c2sp.org/chunked-encryption: HKDF-Expand-SHA-512, AES-256-GCM). Made in Python with cryptography's HKDFExpand and AESGCM from the specification. Plaintext byte i is (31 i + 7) mod 256.",
        "key": key.hex(), "salt": salt.hex(), "cases": cases,
    })


# --- Integers of an update --------------------------------------------------------------------------------

def packed(values):
    """Blocks of 64: a byte with the width, then the values without sign, as one large little-endian integer."""
    out = b""
    for start in range(0, len(values), 64):
        block = [2 * v if v >= 0 else -2 * v - 1 for v in values[start:start + 64]]
        width = max(block).bit_length()
        whole = sum(v << (i * width) for i, v in enumerate(block))
        out += bytes([width]) + whole.to_bytes((len(block) * width + 7) // 8, "little")
    return out


def make_packed():
    # A fixed walk over all widths, with a short block at the end.
    state, values = 1, []
    for i in range(2 * 64 + 33):
        state = (state * 1103515245 + 12345) % 2 ** 31
        values.append((state - 2 ** 30) >> (i // 5 % 31))
    values[100] = -2 ** 31
    save("packed.json", {
        "comment": "Integers of an update and their packed bytes (update-envelope.md, section 2).",
        "values": " ".join(str(v) for v in values), "packed": packed(values).hex(),
    })


# --- Manifest, update, block ----------------------------------------------------------------------------

IDS = ["L1", "L2", "L3", "L4"]
# nnU-Net's augmentation, in millionths.
SAMPLING = {
    "foregroundShare": 700000, "rotationProbability": 200000, "rotationDegMax": 30000000, "scaleProbability": 200000,
    "scaleDownShareMax": 300000, "scaleUpShareMax": 400000, "noiseProbability": 100000, "noiseStdDevMax": 100000,
    "blurProbability": 100000, "blurSigmaMin": 500000, "blurSigmaMax": 1000000, "brightnessProbability": 150000,
    "brightnessShareMax": 250000, "contrastProbability": 150000, "contrastShareMax": 250000,
    "lowResolutionProbability": 125000, "lowResolutionMin": 500000, "invertedGammaProbability": 100000,
    "gammaProbability": 300000, "gammaDownShareMax": 300000, "gammaUpShareMax": 500000, "scannerGainShareMax": 0,
    "scannerOffsetMax": 0, "scannerNoiseStdDevMax": 0,
}
ROLES = ["orgKey", "consensusKey", "logKey", "witnessKey", "transportKey"]


def manifest():
    def seal_key(name):
        key = X25519PrivateKey.from_private_bytes(hashlib.sha256(f"{name} sealKey".encode()).digest())
        return b64(key.public_key().public_bytes_raw())

    members = [
        {"id": name, "role": "voter", "sealKey": seal_key(name),
         "addresses": [f"/ip4/127.0.0.1/tcp/{4000 + i}"], "labels": ["hps", "ms"] if i < 2 else []}
        | {role: b64(public(signing_key(f"{name} {role}"))) for role in ROLES}
        for i, name in enumerate(IDS)
    ]
    training = {
        "patch": [32, 32, 32], "batch": 2, "optimiser": {"kind": "adamw", "weightDecayMicro": 10000},
        "clipNormMicro": 0, "proxMuMicro": 0, "resetOptimiser": False,
        "sampling": {f"{name}Micro": value for name, value in SAMPLING.items()},
    }
    stage = {
        "id": "teacher-hps", "kind": "teacher", "task": "hps", "participants": ["L1", "L2"],
        "model": {"kind": "unet", "features": [8, 16], "heads": {"hps": 6}}, "rounds": 2, "stepsPerRound": 10,
        "learningRateMicro": 3000, "schedule": "cosine", "roundTimeoutMs": 60000, "minParticipants": 2,
        "rule": {"kind": "exact", "samplesCap": 120, "weightMax": 200, "clampMicro": 500000,
                 "outerRateMicro": 1000000, "outerMomentumMicro": 0},
        "training": training,
    }
    distillation = {
        "passes": 8, "rotationDegMaxMicro": 5000000, "scaleShareMaxMicro": 50000, "targets": "soft",
        "temperatureMicro": 1500000, "confidenceMinMicro": 0, "weightByUncertainty": True,
    }
    sgd = {"kind": "sgd", "weightDecayMicro": 30, "momentumMicro": 990000}
    student = {k: v for k, v in stage.items() if k != "task"} | {
        "id": "student", "kind": "student", "participants": IDS, "start": sha256(b"start"),
        "training": training | {"patch": "whole", "optimiser": sgd, "distillation": distillation}}
    images = {
        "spacingMmMicro": [3000000, 800000, 800000], "pointRadiusMmMicro": 6000000, "heart": "none",
        "intensity": {"clipLowHuMicro": -300000000, "clipHighHuMicro": 1000000000,
                      "meanHuMicro": 100000000, "stdHuMicro": 200500000},
    }
    return {
        "version": 0, "name": "Vector consortium", "domain": "vectors.example", "members": members,
        "plan": {"seed": 7, "images": images, "stages": [stage, student]},
        "limits": {"updateBytesMax": 1000000},
    }


def make_documents():
    genesis = manifest()
    payload = jcs(genesis)
    cid = sha256(payload)
    signed = jcs(envelope("application/vnd.annulus.manifest+json", payload, [signing_key(f"{n} orgKey") for n in IDS]))
    save("manifest.json", {
        "comment": "Genesis manifest of four members; Ed25519 keys are seeded by SHA-256 of '<id> <role>'.",
        "cid": cid, "envelope": signed.decode(),
    })

    # The third round: the teacher's two are over, so the student's first.
    stage = genesis["plan"]["stages"][1]
    opened = {
        "op": "OPEN", "r": 3, "stage": stage["id"], "base": sha256(b"base-model"), "code": sha256(b"code"),
        "hp": stage["training"] | {"seed": 7, "steps": 10, "lrMicro": 3000}, "rule": stage["rule"],
        "deadline": 1700000060000, "minParticipants": 2, "participants": IDS,
    }

    # An update whose every random draw is fixed.
    plaintext = packed([1, -2, 300000])
    key, author = hashlib.sha256(b"bulk key").digest(), "L1"
    context = jcs({"author": author, "cid": cid, "round": 3, "type": "update"})
    ciphertext = cobblestone(key, bytes(range(24)), context, plaintext)
    sealed = {}
    for member in genesis["members"]:
        aad = jcs({"author": author, "cid": cid, "recipient": member["id"], "round": 3})
        ephemeral = hashlib.sha256(f"ephemeral {member['id']}".encode()).digest()
        recipient = base64.b64decode(member["sealKey"])
        sealed[member["id"]] = b64(hpke_seal(ephemeral, recipient, b"annulus/update-key/v1", aad, key, 2))
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": f"update/{cid}/3/{author}", "digest": {"sha256": sha256(ciphertext)}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "https://annulus/local-train/v5",
                "externalParameters": {"cid": cid, "open": sha256(jcs(opened)), "round": 3},
                "resolvedDependencies": [
                    {"name": name, "digest": {"sha256": sha256(name.encode())}}
                    for name in ["base-model", "code", "dataset"]
                ],
            },
            "runDetails": {
                "builder": {"id": author},
                "byproducts": [{
                    "name": "update", "digest": {"sha256": sha256(ciphertext)},
                    "annotations": {"bytes": len(ciphertext), "heads": {"hps": 120, "ms": 0}, "metrics": {"loss": 1234}, "sealedKeys": sealed, "weight": 120},
                }, {
                    "name": "nodeLog", "digest": {"sha256": sha256(b"own log")}, "annotations": {"log": 1, "size": 5},
                }],
            },
        },
    }
    signed = jcs(envelope("application/vnd.in-toto+json", jcs(statement), [signing_key(f"{author} logKey")]))
    save("update.json", {
        "comment": "An update of L1 in round 3 to the manifest of manifest.json: integers 1, -2, 300000.",
        "cid": cid, "open": sha256(jcs(opened)), "plaintext": plaintext.hex(), "ciphertext": ciphertext.hex(),
        "envelope": signed.decode(), "env": sha256(signed),
    })

    body = {
        "v": 1, "cid": cid, "e": 0, "h": 1, "prev": "0" * 64, "ts": 1700000000000,
        "ops": [{
            "op": "CUT", "r": 3,
            "updates": [{"peer": "L1", "env": sha256(signed), "upd": sha256(ciphertext), "n": 120}],
        }],
        "log": {"size": 2, "root": sha256(b"root")},
    }
    leaf = {k: v for k, v in body.items() if k != "log"}
    save("block.json", {
        "comment": "A block body with one CUT; its digest, and its log entry. The OPEN of that round and its digest.",
        "body": jcs(body).decode(), "digest": sha256(jcs(body)), "leafDigest": sha256(jcs(leaf)),
        "open": jcs(opened).decode(), "openDigest": sha256(jcs(opened)),
    })


make_hpke()
make_cobblestone()
make_packed()
make_documents()
