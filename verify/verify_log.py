#!/usr/bin/env python3
"""Checks an Annulus log directory with nothing of Annulus: Python's standard library and `cryptography`.

    python3 verify_log.py LOG_DIRECTORY [NODE_LOG_DIRECTORY]

Follows the members through the versions of the manifest: a MEMBER block names each by its SHA-256, `manifest-<version>.json` must
be that very file, follow the version before it and carry the signatures that it needs. A version with `restart` has no votes: its
block must be the one that follows from the version and the block before it, which `restart` names.

Re-derives the Merkle root twice, from the entry bundles and from the hash tiles; checks the checkpoint's log
signature and cosignatures by the `policy` file; checks the DSSE signature of every update envelope, and of every report of a
mixing, by the log key of its author in the manifest, and the manifest by the members' organisation keys; checks every
decision: none missing, the votes of a quorum over its block, its link to the block before, the block and its
envelopes at their places in the tree; checks that there is no other file. Prints size, root and what is not
checked. Exit status 0 when all of it holds, 1 with one line on stderr when something does not.

With NODE_LOG_DIRECTORY, a node's own logs (`node-log`), it also makes the tree of each again, checks the node's signature on its
checkpoint, and that every head which the node's updates in the shared log name (`nodeLog`) is a beginning of it.

Works with Debian 12's python3-cryptography (38). Formats: https://c2sp.org/tlog-tiles,
https://c2sp.org/tlog-cosignature, https://c2sp.org/tlog-policy, https://github.com/secure-systems-lab/dsse
"""
import base64
import hashlib
import json
import os
import sys

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    sys.exit("needs the package cryptography; on Debian: apt install python3-cryptography")

WIDTH = 256

NOT_CHECKED = (
    "that rounds follow the manifest's plan, weights their caps, and statements what OPEN and CUT name",
    "updates and models: whether they are there, and that a model is the average of its updates",
    "other members' copies of the log, and their own logs",
)


class Wrong(Exception):
    """Something in the log does not hold."""


def main(directory, own=None):
    log = Log(directory)
    decisions = log.read_decisions()
    versions = log.read_versions(decisions)
    size, root, cosigners, quorum = log.read_checkpoint("checkpoint", versions)
    if len(set(cosigners)) < quorum:
        raise Wrong("checkpoint: %d cosignatures, %d are a quorum" % (len(set(cosigners)), quorum))
    # A log may have grown since its head was cosigned by a quorum: the last decision knows the larger tree.
    largest = decisions[-1]["body"]["log"]["size"] if decisions else 0
    signed, signed_root = size, root
    if log.has("checkpoint.next"):
        signed, signed_root, _, _ = log.read_checkpoint("checkpoint.next", versions)
        if signed <= size:
            raise Wrong("checkpoint.next: not larger than the cosigned tree")
    if largest < signed:
        raise Wrong("decisions/%d.json: the file is missing: %d of the %d entries belong to no decision"
                    % (len(decisions) + 1, signed - largest, signed))
    log.check_names(size, largest, len(decisions), len(versions))
    for tree in sorted({size, largest}):
        entries = log.read_entries(tree)
        leaves = [sha256(b"\x00" + entry) for entry in entries]
        expected = root if tree == size else bytes.fromhex(decisions[-1]["body"]["log"]["root"])
        if merkle_root(leaves) != expected:
            raise Wrong("the root of the entry bundles is not the checkpoint's%s" % log.first_difference(leaves, tree))
        if log.root_from_tiles(tree) != expected:
            raise Wrong("the root of the tiles is not the checkpoint's")
    if merkle_root(leaves[:signed]) != signed_root:
        raise Wrong("checkpoint.next: its root is not that of the entries")
    updates = check_decisions(decisions, entries, leaves, versions)
    print("size %d" % size)
    print("root %s" % root.hex())
    print("updates %d, all signed by their authors" % updates)
    print("cosigned by %s (quorum %d)" % (" ".join(cosigners), quorum))
    restarts = [version for version in versions if "restart" in version.manifest]
    print("decisions %d, each with the votes of a quorum" % (len(decisions) - len(restarts)))
    for version in restarts:
        print("restart after height %d, signed by the organisations" % version.manifest["restart"]["height"])
    for version in versions[1:]:
        print("version %d of the manifest after entry %d" % (version.manifest["version"], version.from_size - 1))
    if own is not None:
        check_own_logs(own, entries, versions)
    for what in NOT_CHECKED:
        print("not checked: %s" % what)


class Version:
    """One version of the manifest, and the size of the tree from which on its members vouch."""

    def __init__(self, log, name, policy, from_size):
        self.envelope = json.loads(log.read(name))
        self.payload = base64.b64decode(self.envelope["payload"], validate=True)
        self.manifest = json.loads(self.payload)
        self.from_size = from_size
        self.members = {member["id"]: member for member in self.manifest["members"]}
        self.list = self.manifest["members"]
        self.vkeys, self.quorum, group = log.read_policy(policy)
        keys = {member[key] for member in self.list for key in ("logKey", "witnessKey")}
        if {base64.b64encode(raw).decode() for _, _, raw in self.vkeys.values()} != keys:
            raise Wrong("%s: its keys are not those of %s" % (policy, name))
        if self.quorum != len(self.list) * 2 // 3 + 1 or len(group) != len(self.list):
            raise Wrong("%s: not a quorum of the members" % policy)
        if log.read(policy) != self.policy_file(log):
            raise Wrong("%s: not the bytes that %s makes it" % (policy, name))

    def policy_file(self, log):
        cid = sha256(base64.b64decode(json.loads(log.read("manifest.json"))["payload"])).hex()
        origin = "%s/fl/%s" % (self.manifest["domain"], cid[:16])
        names = [member["id"] + "/witness" for member in self.list]
        lines = ["# Annulus consortium " + cid]
        lines += ["log " + vkey(origin, 1, member["logKey"]) for member in self.list]
        for name, member in zip(names, self.list):
            lines.append("witness %s %s" % (name, vkey(name, 4, member["witnessKey"])))
        lines += ["group members %d %s" % (self.quorum, " ".join(names)), "quorum members", ""]
        return "\n".join(lines).encode()


def check_successor(name, before, after):
    """`after` is the next version and carries the signatures that its change needs."""
    old, new = before.manifest, after.manifest
    if new["version"] != old["version"] + 1 or new["prev"] != sha256(before.payload).hex():
        raise Wrong("%s: it does not follow version %d" % (name, old["version"]))
    if (new["name"], new["domain"]) != (old["name"], old["domain"]):
        raise Wrong("%s: another name or domain" % name)
    known = {sha256(base64.b64decode(m["orgKey"])).hex(): m["orgKey"] for m in before.list + after.list}
    signed = set()
    for signature in after.envelope["signatures"]:
        key = known.get(signature["keyid"])
        if key is None or key in signed:
            raise Wrong("%s: a signature of nobody, or twice" % name)
        check_dsse(name, after.envelope, key)
        signed.add(key)
    changed = [m["id"] for m in after.list if before.members.get(m["id"]) != m]
    is_own = (
        "restart" not in new
        and len(changed) == 1
        and list(before.members) == list(after.members)
        and all(before.members[i]["orgKey"] == after.members[i]["orgKey"] for i in changed)
        and (old["plan"], old["limits"]) == (new["plan"], new["limits"])
    )
    if is_own:
        if after.members[changed[0]]["orgKey"] not in signed:
            raise Wrong("%s: not signed by %s, whose line it changes" % (name, changed[0]))
        return
    for version in (before, after):
        count = sum(member["orgKey"] in signed for member in version.list)
        if count < len(version.list) * 2 // 3 + 1:
            raise Wrong("%s: signed by %d of the %d members of version %d"
                        % (name, count, len(version.list), version.manifest["version"]))
    for member in after.list:
        is_new = before.members.get(member["id"], {}).get("orgKey") != member["orgKey"]
        if is_new and member["orgKey"] not in signed:
            raise Wrong("%s: not signed by %s, whose key is new" % (name, member["id"]))


class Log:
    def __init__(self, directory):
        self.directory = directory

    def read(self, name):
        try:
            with open(os.path.join(self.directory, *name.split("/")), "rb") as file:
                return file.read()
        except OSError as error:
            raise Wrong("%s: %s" % (name, error.strerror))

    def has(self, name):
        return os.path.exists(os.path.join(self.directory, *name.split("/")))

    def names(self):
        for folder, _, files in os.walk(self.directory):
            for file in files:
                yield os.path.relpath(os.path.join(folder, file), self.directory).replace(os.sep, "/")

    def check_names(self, cosigned, largest, heights, versions):
        """No file but those of the two trees, the decisions and the four that every log has."""
        known = {"manifest.json", "policy", "checkpoint", "checkpoint.next"}
        for version in range(1, versions):
            known.update(("manifest-%d.json" % version, "policy-%d" % version))
        known.update("decisions/%d.json" % height for height in range(1, heights + 1))
        for size in (cosigned, largest):
            known.update(path for path, _ in tile_paths("entries", size))
            level, n = 0, size
            while n > 0:
                known.update(path for path, _ in tile_paths(str(level), n))
                level, n = level + 1, n // WIDTH
        for name in sorted(self.names()):
            if name not in known:
                raise Wrong("%r: a file that does not belong to this log" % name)

    def read_decisions(self):
        """Bodies and certificates by height from 1, without a gap up to the last that is there."""
        names = [name for name in self.names() if name.startswith("decisions/")]
        return [json.loads(self.read("decisions/%d.json" % (height + 1))) for height in range(len(names))]

    def read_versions(self, decisions):
        """The genesis, signed by every member, and every version that a MEMBER block puts in force."""
        genesis = Version(self, "manifest.json", "policy", 0)
        if len(genesis.envelope["signatures"]) != len(genesis.list):
            raise Wrong("manifest.json: not one signature for each member")
        for member in genesis.list:
            check_dsse("manifest.json", genesis.envelope, member["orgKey"])
        versions, last, model = [genesis], None, None
        for decision in decisions:
            before, last = last, decision["body"]
            body = last
            for op in body["ops"]:
                if op["op"] == "SEAL":
                    model = op["agg"]
                if op["op"] != "MEMBER":
                    continue
                name = "manifest-%d.json" % op["version"]
                if op["version"] != len(versions) or len(body["ops"]) != 1:
                    raise Wrong("decisions/%d.json: its MEMBER is not the next version, alone" % body["h"])
                if sha256(self.read(name)).hex() != op["manifest"]:
                    raise Wrong("%s: it is not the manifest that its MEMBER block names" % name)
                after = Version(self, name, "policy-%d" % op["version"], body["log"]["size"])
                check_successor(name, versions[-1], after)
                if "restart" in after.manifest:
                    check_restart(name, after.manifest, op["manifest"], before, model, decision)
                versions.append(after)
        return versions

    def read_policy(self, file):
        """Verifier keys by (name, key id), the threshold, and the witnesses of the group."""
        vkeys, groups, quorum = {}, {}, None
        for line in self.read(file).decode().splitlines():
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if words[0] in ("log", "witness"):
                name, key_id, material = words[-1].split("+", 2)
                raw = base64.b64decode(material, validate=True)
                if sha256(name.encode() + b"\n" + raw)[:4].hex() != key_id:
                    raise Wrong("%s: the key id of %s is not its key's" % (file, name))
                vkeys[(name, bytes.fromhex(key_id))] = (words[0], raw[0], raw[1:])
            elif words[0] == "group":
                groups[words[1]] = (int(words[2]), set(words[3:]))
            elif words[0] == "quorum":
                quorum = words[1]
            else:
                raise Wrong("%s: unknown line %r" % (file, line))
        threshold, group = groups[quorum]
        return vkeys, threshold, group

    def read_checkpoint(self, file, versions):
        """Size, root, the names of those whose cosignatures hold, and how many are a quorum at that size."""
        note = self.read(file).decode()
        text, lines = note[: note.rindex("\n\n") + 1], note[note.rindex("\n\n") + 2 :]
        origin, size, root = text.splitlines()
        version = [one for one in versions if one.from_size <= int(size)][-1]
        # Whose copy it is, a log key of any version says; the witnesses are those of the tree's size.
        vkeys = dict(version.vkeys)
        for other in versions:
            vkeys.update((key, value) for key, value in other.vkeys.items() if value[0] == "log")
        is_logged, cosigners = False, []
        for line in lines.splitlines():
            dash, name, blob = line.split(" ")
            raw = base64.b64decode(blob, validate=True)
            if dash != "\u2014" or (name, raw[:4]) not in vkeys:
                raise Wrong("%s: a line of an unknown key, %s" % (file, name))
            role, key_type, public_key = vkeys[(name, raw[:4])]
            if role == "log":
                if key_type != 1 or name != origin:
                    raise Wrong("%s: the log's name is not the origin" % file)
                verify("%s: the log's signature" % file, public_key, raw[4:], text.encode())
                is_logged = True
            else:
                time = int.from_bytes(raw[4:12], "big")
                message = ("cosignature/v1\ntime %d\n" % time + text).encode()
                verify("%s: the cosignature of %s" % (file, name), public_key, raw[12:], message)
                cosigners.append(name)
        if not is_logged:
            raise Wrong("%s: no signature of a log key" % file)
        return int(size), base64.b64decode(root, validate=True), cosigners, version.quorum

    def read_entries(self, size):
        entries = []
        for path, width in tile_paths("entries", size):
            data, at = self.read(path), 0
            for _ in range(width):
                length = int.from_bytes(data[at : at + 2], "big")
                entry = data[at + 2 : at + 2 + length]
                if len(entry) != length or at + 2 > len(data):
                    raise Wrong("%s: entry %d cannot be read" % (path, len(entries)))
                entries.append(entry)
                at += 2 + length
            if at != len(data):
                raise Wrong("%s: bytes after the last entry" % path)
        return entries

    def tile(self, path, width):
        data = self.read(path)
        if len(data) != 32 * width:
            raise Wrong("%s: wrong length" % path)
        return [data[i : i + 32] for i in range(0, len(data), 32)]

    def root_from_tiles(self, size):
        """Checks each level against the one below, then hashes the leaf hashes of level 0."""
        below, level, n = None, 0, size
        leaves = []
        while n > 0:
            hashes = [h for path, width in tile_paths(str(level), n) for h in self.tile(path, width)]
            if below is None:
                leaves = hashes
            else:
                for i, h in enumerate(hashes):
                    if merkle_root(below[i * WIDTH : (i + 1) * WIDTH]) != h:
                        raise Wrong("tile/%d: hash %d is not that of its tile" % (level, i))
            below, level, n = hashes, level + 1, n // WIDTH
        return merkle_root(leaves)

    def first_difference(self, leaves, size):
        tiles = [h for path, width in tile_paths("0", size) for h in self.tile(path, width)]
        for index, (a, b) in enumerate(zip(leaves, tiles)):
            if a != b:
                return ": entry %d is not the one of tile/0" % index
        return ""


def check_decisions(decisions, entries, leaves, versions):
    """Votes, links and places in the tree of every height, and the signatures of its updates; how many these are."""
    prev, size, updates, epoch = "0" * 64, 0, 0, 0
    cid = sha256(versions[0].payload).hex()
    for height, decision in enumerate(decisions, 1):
        where = "decisions/%d.json" % height
        body, certificate = decision["body"], decision["certificate"]
        if body["h"] != height or body["cid"] != cid:
            raise Wrong("%s: not height %d of this consortium" % (where, height))
        if body["e"] != epoch:
            raise Wrong("%s: of epoch %d, the members are those of epoch %d" % (where, body["e"], epoch))
        version = versions[epoch]
        digest = sha256(canonical(body)).hex()
        change = [op["version"] for op in body["ops"] if op["op"] == "MEMBER"]
        if not change or "restart" not in versions[change[0]].manifest:
            check_votes(where, certificate, body, digest, version.list, cid)
        if body["prev"] != prev:
            raise Wrong("%s: it does not name the block before it" % where)
        named = sorted(
            [u["env"] for op in body["ops"] if op["op"] == "CUT" for u in op["updates"]]
            + [r["report"] for op in body["ops"] if op["op"] == "SEAL" for r in op.get("mixed", {}).get("reports", [])]
        )
        first, size = size, body["log"]["size"]
        if size != first + len(named) + 1:
            raise Wrong("%s: its tree of %d entries does not follow the last block's" % (where, size))
        if [sha256(entry).hex() for entry in entries[first : size - 1]] != named:
            raise Wrong("%s: the entries before its block are not the envelopes it names" % where)
        if entries[size - 1] != canonical({key: body[key] for key in body if key != "log"}):
            raise Wrong("%s: entry %d is not its block" % (where, size - 1))
        if merkle_root(leaves[:size]).hex() != body["log"]["root"]:
            raise Wrong("%s: its root is not that of the entries it covers" % where)
        updates += sum(check_entry(index, entries[index], version.members) for index in range(first, size))
        epoch += sum(op["op"] == "MEMBER" for op in body["ops"])
        prev = digest
    return updates


def check_own_logs(directory, entries, versions):
    """Every log of one node: its tree, its signature, and the heads that its updates in the shared log name."""
    folder = Log(directory)
    numbers = sorted({int(name.split("/")[0]) for name in folder.names() if name != "restored"})
    if not numbers:
        raise Wrong("node-log: no own log is here")
    logs, node = {}, None
    for number in numbers:
        own, where = Log(os.path.join(directory, str(number))), "node-log/%d" % number
        note = own.read("checkpoint").decode()
        text, (line, end) = note[: note.rindex("\n\n") + 1], note[note.rindex("\n\n") + 2 :].split("\n")
        origin, size, root = text.splitlines()
        if node not in (None, origin.split("/")[0]) or origin.split("/")[1] != str(number) or end != "":
            raise Wrong("%s/checkpoint: the origin %s" % (where, origin))
        node, size, signature = origin.split("/")[0], int(size), base64.b64decode(line.split(" ")[2], validate=True)
        raw = [base64.b64decode(version.members[node]["logKey"]) for version in versions if node in version.members]
        key = [one for one in raw if sha256(origin.encode() + b"\n\x01" + one)[:4] == signature[:4]]
        if not key:
            raise Wrong("%s/checkpoint: not signed by a log key of %s" % (where, node))
        verify("%s/checkpoint: the signature of %s" % (where, node), key[0], signature[4:], text.encode())
        own_entries = own.read_entries(size)
        leaves = [sha256(b"\x00" + entry) for entry in own_entries]
        if not merkle_root(leaves) == own.root_from_tiles(size) == base64.b64decode(root, validate=True):
            raise Wrong("%s: entries, tiles and checkpoint do not have one root" % where)
        logs[number] = leaves
        if number > 1 and json.loads(own_entries[0])["event"] != "log-begun":
            raise Wrong("%s: its first entry does not say why it was begun" % where)
    anchors = []
    for entry in entries:
        document = json.loads(entry)
        if document.get("payloadType") != "application/vnd.in-toto+json":
            continue
        predicate = json.loads(base64.b64decode(document["payload"]))["predicate"]
        for product in predicate["runDetails"]["byproducts"][1:]:
            if predicate["runDetails"]["builder"]["id"] == node:
                anchors.append((predicate["buildDefinition"]["externalParameters"]["round"], product))
    for number, product in anchors:
        said = product["annotations"]
        leaves = logs.get(said["log"], [])
        what = "node-log/%d: the update of round %d anchors %d entries" % (said["log"], number, said["size"])
        if len(leaves) < said["size"]:
            if said["log"] == max(other["annotations"]["log"] for _, other in anchors):
                raise Wrong("cut off: %s, %d are here" % (what, len(leaves)))
            print("%s, %d are here: the log that was begun next says so" % (what, len(leaves)))
        elif merkle_root(leaves[: said["size"]]).hex() != product["digest"]["sha256"]:
            raise Wrong("rewritten: %s, and the first %d are not those" % (what, said["size"]))
    print("own log of %s: %d entries, held against %d heads in the shared log"
          % (node, sum(map(len, logs.values())), len(anchors)))


def check_restart(name, manifest, named, before, model, decision):
    """The block of a restart follows from its version and the block before it, has no votes, and goes on from that block."""
    restart, body = manifest["restart"], decision["body"]
    if before is None:
        raise Wrong("%s: a restart before the first block" % name)
    here = {"height": before["h"], "block": sha256(canonical(before)).hex(), **before["log"]}
    if model is not None:
        here["model"] = model
    if restart != here:
        raise Wrong("%s: it goes on from another block, tree or model than this log's" % name)
    expected = dict(before, h=before["h"] + 1, prev=here["block"], log=body["log"])
    expected["ops"] = [{"op": "MEMBER", "version": manifest["version"], "manifest": named}]
    x = sha256(canonical(body)).hex()
    unvoted = {"kind": "FINALIZE", "h": body["h"], "v": 0, "x": x, "sigs": []}
    if body != expected or decision["certificate"] != unvoted:
        raise Wrong("%s: its block is not the one that a restart makes" % name)


def check_votes(where, certificate, body, digest, members, cid):
    """A FINALIZE certificate: votes of a quorum of different members, all valid, over this body."""
    h, v, x = certificate["h"], certificate["v"], certificate["x"]
    if certificate["kind"] != "FINALIZE" or h != body["h"] or x != digest:
        raise Wrong("%s: its votes are for another body" % where)
    vote = canonical({"t": "FINALIZE", "cid": cid, "e": body["e"], "h": h, "v": v, "x": x})
    voters = [index for index, _ in certificate["sigs"]]
    for index, signature in certificate["sigs"]:
        key = base64.b64decode(members[index]["consensusKey"], validate=True)
        raw = base64.b64decode(signature, validate=True)
        verify("%s: the vote of %s" % (where, members[index]["id"]), key, raw, b"annulus/consensus/v1\n" + vote)
    if len(set(voters)) < len(members) * 2 // 3 + 1 or len(set(voters)) != len(voters) or min(voters) < 0:
        raise Wrong("%s: not the votes of a quorum, each member once" % where)


def canonical(value):
    """RFC 8785 for what a log holds: whole numbers, and keys in ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def check_entry(index, entry, members):
    """1 for an update envelope whose signature holds, 0 for a block, or for the report of a mixing whose signature holds."""
    document = json.loads(entry)
    if "payloadType" not in document:
        return 0
    where = "entry %d" % index
    statement = json.loads(base64.b64decode(document["payload"], validate=True))
    if document["payloadType"] == "application/vnd.annulus.mixing-report+json":
        author = statement["author"]
        if author not in members or len(document["signatures"]) != 1:
            raise Wrong("%s: not a report with one signature of a member" % where)
        check_dsse("%s (report of %s)" % (where, author), document, members[author]["logKey"])
        return 0
    author = statement["predicate"]["runDetails"]["builder"]["id"]
    if document["payloadType"] != "application/vnd.in-toto+json" or len(document["signatures"]) != 1:
        raise Wrong("%s: not an in-toto statement with one signature" % where)
    if author not in members:
        raise Wrong("%s: %s is not a member" % (where, author))
    check_dsse("%s (update of %s)" % (where, author), document, members[author]["logKey"])
    said = statement["predicate"]["runDetails"]["byproducts"][0]["annotations"]
    if not all(0 <= weight <= said["weight"] for weight in said["heads"].values()):
        raise Wrong("%s: a head weighs more than the update of %s" % (where, author))
    return 1


def check_dsse(where, envelope, public_key):
    """One signature of the envelope must be the key's, over DSSE's pre-authentication encoding."""
    raw_key = base64.b64decode(public_key, validate=True)
    payload = base64.b64decode(envelope["payload"], validate=True)
    kind = envelope["payloadType"].encode()
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    for signature in envelope["signatures"]:
        if signature["keyid"] == sha256(raw_key).hex():
            verify(where, raw_key, base64.b64decode(signature["sig"], validate=True), signed)
            return
    raise Wrong("%s: no signature of the expected key" % where)


def verify(where, public_key, signature, message):
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        raise Wrong("%s is wrong" % where)


def vkey(name, kind, key):
    raw = bytes([kind]) + base64.b64decode(key, validate=True)
    return "%s+%s+%s" % (name, sha256(name.encode() + b"\n" + raw)[:4].hex(), base64.b64encode(raw).decode())


def sha256(data):
    return hashlib.sha256(data).digest()


def merkle_root(hashes):
    """RFC 6962 over leaf hashes, by the definition: split at the largest power of two below n."""
    if not hashes:
        return sha256(b"")
    if len(hashes) == 1:
        return hashes[0]
    k = 1 << ((len(hashes) - 1).bit_length() - 1)
    return sha256(b"\x01" + merkle_root(hashes[:k]) + merkle_root(hashes[k:]))


def tile_paths(level, n):
    """(path, width) of the full and partial tiles over n hashes or entries."""
    for index in range((n + WIDTH - 1) // WIDTH):
        width = min(WIDTH, n - index * WIDTH)
        groups = ["%03d" % (index % 1000)]
        rest = index // 1000
        while rest > 0:
            groups.insert(0, "x%03d" % (rest % 1000))
            rest //= 1000
        partial = "" if width == WIDTH else ".p/%d" % width
        yield "tile/%s/%s%s" % (level, "/".join(groups), partial), width


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: verify_log.py LOG_DIRECTORY [NODE_LOG_DIRECTORY]")
    try:
        main(*sys.argv[1:])
    except Wrong as wrong:
        sys.exit("wrong: %s" % wrong)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        sys.exit("wrong: a file cannot be read: %r" % error)
