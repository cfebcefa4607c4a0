#!/usr/bin/env python3
"""Makes the model of one round again with nothing of Annulus: Python, `numpy` and `cryptography`.

    python3 replay_round.py LOG_DIRECTORY BLOBS_DIRECTORY ROUND KEYS_FILE LAYOUT_FILE

LOG_DIRECTORY is a log, BLOBS_DIRECTORY holds updates and models under their SHA-256, KEYS_FILE is what a member wrote with
`annulus audit disclose`, LAYOUT_FILE lists the model's tensors in the order of an update's integers: [{"name", "shape"}].
Check the log first, with verify_log.py: this program believes it.

Decrypts every update that the CUT of the round names, adds up their integers, divides, adds the mean to the model that the
round began with, and compares the SHA-256 of the resulting file with the one that SEAL names. Rule `exact` without a robust
part. Exit status 0 when the model is the same to the last bit, 1 when it is not or something is missing.

Formats: docs/specs/update-envelope.md (2 to 4), docs/specs/wire.md (4.2), https://c2sp.org/chunked-encryption, safetensors.
"""
import base64
import hashlib
import json
import math
import os
import re
import sys

try:
    import numpy
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA512
    from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
except ImportError:
    sys.exit("needs numpy and cryptography; on Debian: apt install python3-numpy python3-cryptography")

CHUNK = 16384
TAG = 16


class Wrong(Exception):
    """The round cannot be repeated, or comes out otherwise."""


def main(log, blobs, round_number, keys_file, layout_file):
    opened, cut, seal, before = find_round(log, round_number)
    rule = opened["rule"]
    if rule["kind"] != "exact" or "robust" in rule:
        raise Wrong("rule %s: this program repeats exact averages only" % rule["kind"])
    members = json.loads(base64.b64decode(read_json(log, "manifest.json")["payload"]))["members"]
    disclosed = read_json("", keys_file)
    if disclosed["round"] != round_number:
        raise Wrong("the keys are of round %d" % disclosed["round"])
    layout = read_json("", layout_file)
    names = [tensor["name"] for tensor in layout]
    sizes = [math.prod(tensor["shape"]) for tensor in layout]
    sums = [numpy.zeros(size, numpy.int64) for size in sizes]
    weights = [0] * len(layout)
    statements = envelopes(log)
    bits = fraction_bits(len(members), rule["clampMicro"] / 1e6)
    for update in cut["updates"]:
        annotations = statements[update["env"]]
        plain = read_update(blobs, disclosed, update)
        compression = rule.get("compression")
        values = unpack(plain, sum(sizes)) if compression is None else decompress(plain, sum(sizes), compression)
        at = 0
        for index, name in enumerate(names):
            weight = weight_of(name, annotations)
            if weight > 0:
                weights[index] += weight
                part = values[at : at + sizes[index]]
                sums[index] += part if compression is None else weighted(part, weight, rule, bits)
            at += sizes[index]
    header, base = read_model(blobs, opened["base"])
    start = with_momentum(blobs, base, before, rule["outerMomentumMicro"] / 1e6)
    made = dict(start)
    for index, name in enumerate(names):
        if weights[index] == 0:
            continue
        total = sums[index].astype(numpy.float64)
        mean = (total * rule["weightMax"] / (weights[index] * 2.0**bits)).astype(numpy.float32)
        rate = rule["outerRateMicro"] / 1e6
        step = start[name].astype(numpy.float64) + rate * mean.astype(numpy.float64)
        made[name] = step.astype(numpy.float32)
    digest = write_model(header, made)
    if digest != seal["agg"]:
        raise Wrong("the model of round %d is %s, SEAL names %s" % (round_number, digest, seal["agg"]))
    print("round %d: %d updates make the model %s, which SEAL names" % (round_number, len(cut["updates"]), digest))


def find_round(log, number):
    """OPEN, the last CUT and SEAL of the round, and the base of the stage's last sealed round before it."""
    opens, found, before = {}, {}, {}
    height = 1
    while os.path.exists(os.path.join(log, "decisions", "%d.json" % height)):
        for op in read_json(log, "decisions/%d.json" % height)["body"]["ops"]:
            if op.get("r") == number:
                found[op["op"]] = op
            if op["op"] == "OPEN":
                opens[op["r"]] = op
            if op["op"] == "SEAL" and op["r"] < number:
                before[opens[op["r"]]["stage"]] = opens[op["r"]]["base"]
        height += 1
    if not {"OPEN", "CUT", "SEAL"} <= set(found):
        raise Wrong("round %d is not in this log, or did not end with a model" % number)
    return found["OPEN"], found["CUT"], found["SEAL"], before.get(found["OPEN"]["stage"])


def envelopes(log):
    """What every update's envelope says, by the SHA-256 of its bytes."""
    said = {}
    for folder, _, files in os.walk(os.path.join(log, "tile", "entries")):
        for name in files:
            data, at = read(os.path.join(folder, name)), 0
            while at < len(data):
                length = int.from_bytes(data[at : at + 2], "big")
                entry = data[at + 2 : at + 2 + length]
                at += 2 + length
                document = json.loads(entry)
                if "payloadType" in document:
                    statement = json.loads(base64.b64decode(document["payload"]))
                    byproduct = statement["predicate"]["runDetails"]["byproducts"][0]
                    said[hashlib.sha256(entry).hexdigest()] = byproduct["annotations"]
    return said


def read_update(blobs, disclosed, update):
    author, digest = update["peer"], update["upd"]
    if author not in disclosed["keys"]:
        raise Wrong("no key of the update of %s" % author)
    context = {"author": author, "cid": disclosed["cid"], "round": disclosed["round"], "type": "update"}
    data = read_blob(blobs, digest, "the update of %s" % author)
    key = base64.b64decode(disclosed["keys"][author])
    try:
        plain = decrypt(data, key, json.dumps(context, sort_keys=True, separators=(",", ":")).encode())
    except InvalidTag:
        raise Wrong("the update of %s does not open" % author)
    return plain


def decrypt(data, key, context):
    """Cobblestone-256 of c2sp.org/chunked-encryption."""
    salt, commitment, rest = data[:24], data[24:56], data[56:]
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + context
    derived = HKDFExpand(SHA512(), 32 + 12 + 32, info).derive(key)
    if derived[44:] != commitment:
        raise Wrong("a key does not open its update")
    cipher, nonce = AESGCM(derived[:32]), int.from_bytes(derived[32:44], "big")
    plain = []
    for index, at in enumerate(range(0, len(rest), CHUNK + TAG)):
        chunk = rest[at : at + CHUNK + TAG]
        plain.append(cipher.decrypt((nonce ^ index).to_bytes(12, "big"), chunk, None))
    if not plain or len(plain[-1]) == CHUNK:
        raise Wrong("an update was cut short")
    return b"".join(plain)


def unpack(data, count):
    """Blocks of 64 integers, each behind the width of its values."""
    out, at = numpy.zeros(count, numpy.int64), 0
    for first in range(0, count, 64):
        values = min(64, count - first)
        width = data[at]
        size = (values * width + 7) // 8
        block = int.from_bytes(data[at + 1 : at + 1 + size], "little")
        at += 1 + size
        for index in range(values):
            z = (block >> (index * width)) & ((1 << width) - 1)
            out[first + index] = z // 2 if z % 2 == 0 else -(z + 1) // 2
    if at != len(data):
        raise Wrong("an update has another length than its model")
    return out


def decompress(data, count, kind):
    """Messages of 8192 numbers: bf16, or for each 256 a scale, then a level of a byte for each number."""
    out, at = numpy.zeros(count, numpy.float32), 0
    for first in range(0, count, 8192):
        values = min(8192, count - first)
        if kind == "bf16":
            upper = numpy.frombuffer(data, "<u2", values, at).astype(numpy.uint32)
            out[first : first + values] = (upper << 16).view(numpy.float32)
            at += 2 * values
            continue
        blocks = (values + 255) // 256
        scales = numpy.frombuffer(data, "<f4", blocks, at).astype(numpy.float64)
        levels = numpy.frombuffer(data, "i1", values, at + 4 * blocks).astype(numpy.float64)
        out[first : first + values] = levels * numpy.repeat(scales, 256)[:values]
        at += 4 * blocks + values
    if at != len(data):
        raise Wrong("an update has another length than its model")
    return out


def weighted(numbers, weight, rule, bits):
    """What changes count as, in integers."""
    clamp = rule["clampMicro"] / 1e6
    within = numpy.clip(numbers.astype(numpy.float64), -clamp, clamp)
    return numpy.floor(within * weight / rule["weightMax"] * 2.0**bits + 0.5).astype(numpy.int64)


def weight_of(name, annotations):
    head = re.match(r"(?:decoder\.heads|outs)\.([^.]+)\.", name)
    return annotations["heads"].get(head[1], 0) if head else annotations["weight"]


def fraction_bits(members, clamp):
    return max(s for s in range(31) if members * math.ceil(clamp * 2**s) < 2**31)


def with_momentum(blobs, base, before, momentum):
    if before is None or momentum == 0:
        return base
    _, earlier = read_model(blobs, before)
    start = {}
    for name, values in base.items():
        wide, old = values.astype(numpy.float64), earlier[name].astype(numpy.float64)
        start[name] = (wide + momentum * (wide - old)).astype(numpy.float32)
    return start


def read_model(blobs, digest):
    """The header's bytes and the tensors of a safetensors file."""
    data = read_blob(blobs, digest, "the model %s" % digest)
    length = 8 + int.from_bytes(data[:8], "little")
    tensors = {}
    for name, facts in json.loads(data[8:length]).items():
        first, last = facts["data_offsets"]
        tensors[name] = numpy.frombuffer(data[length + first : length + last], "<f4")
    return data[:length], tensors


def write_model(header, tensors):
    """SHA-256 of the file with the same header and these numbers."""
    facts = json.loads(header[8:])
    digest = hashlib.sha256(header)
    for name in sorted(facts, key=lambda one: facts[one]["data_offsets"][0]):
        digest.update(tensors[name].astype("<f4").tobytes())
    return digest.hexdigest()


def read_blob(blobs, digest, what):
    path = os.path.join(blobs, digest)
    if not os.path.exists(path):
        raise Wrong("%s is not in %s" % (what, blobs))
    data = read(path)
    if hashlib.sha256(data).hexdigest() != digest:
        raise Wrong("%s has another SHA-256 than its name" % what)
    return data


def read(path):
    with open(path, "rb") as file:
        return file.read()


def read_json(folder, name):
    return json.loads(read(os.path.join(folder, name)))


if __name__ == "__main__":
    if len(sys.argv) != 6 or not sys.argv[3].isdigit():
        sys.exit("usage: replay_round.py LOG_DIRECTORY BLOBS_DIRECTORY ROUND KEYS_FILE LAYOUT_FILE")
    try:
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5])
    except Wrong as wrong:
        sys.exit("wrong: %s" % wrong)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        sys.exit("wrong: a file cannot be read: %r" % error)
