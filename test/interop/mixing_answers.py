"""What numpy says of graphs and of algorithms: reads JSON from standard input, writes JSON to standard output.

    python3 mixing_answers.py < questions.json
"""
import hashlib
import json
import sys

import numpy as np


class Draws:
    """Section 3 of docs/specs/mixing.md."""

    def __init__(self, seed, label):
        self.prefix = "annulus/mixing/v1\n%s\n%s\n" % (seed, label)
        self.words, self.block = [], 0

    def uint32(self):
        if not self.words:
            digest = hashlib.sha256((self.prefix + str(self.block)).encode()).digest()
            self.words = [int.from_bytes(digest[i : i + 4], "big") for i in range(0, 32, 4)]
            self.block += 1
        return self.words.pop(0)

    def below(self, m):
        word = self.uint32()
        while word >= 2**32 // m * m:
            word = self.uint32()
        return word % m

    def uniform(self):
        return ((self.uint32() >> 5) * 2**26 + (self.uint32() >> 6)) / 2**53

    def shuffled(self, items):
        items = list(items)
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]
        return items

    def distinct(self, k, m):
        drawn = []
        while len(drawn) < k:
            value = self.below(m)
            if value not in drawn:
                drawn.append(value)
        return drawn


def paired(n, s, draws):
    """Edges of a regular graph, or None when stubs are left that cannot be paired."""
    edges, stubs = set(), [i for i in range(n) for _ in range(s)]
    while stubs:
        order, left = draws.shuffled(stubs), []
        for a, b in zip(order[::2], order[1::2]):
            if a == b or (min(a, b), max(a, b)) in edges:
                left += [a, b]
            else:
                edges.add((min(a, b), max(a, b)))
        nodes = sorted(set(left))
        can_go_on = any((a, b) not in edges for i, a in enumerate(nodes) for b in nodes[i + 1 :])
        if len(left) == len(stubs) and not can_go_on:
            return None
        stubs = sorted(left)
    return edges


def is_connected(n, edges):
    seen, todo = {0}, [0]
    while todo:
        a = todo.pop()
        for b in {y for x, y in edges if x == a} | {x for x, y in edges if y == a}:
            if b not in seen:
                seen.add(b)
                todo.append(b)
    return len(seen) == n


def drawn(q):
    """Links [from, to] of a drawn graph, sorted."""
    kind, n, s = q["kind"], q["size"], q["degree"]
    draws = Draws(q["seed"], "%s/%d/%d/%d" % (kind, n, q["round"], q["step"]))
    nodes = range(n)
    if kind == "regular":
        edges = None
        while edges is None or not is_connected(n, edges):
            edges = paired(n, s, draws)
        links = [(a, b) for a, b in edges] + [(b, a) for a, b in edges]
    elif kind == "matching":
        order = draws.shuffled(nodes)
        pairs = list(zip(order[::2], order[1::2]))
        links = pairs + [(b, a) for a, b in pairs]
    elif kind == "el-oracle":
        order = draws.shuffled(nodes)
        hops = [1 + h for h in draws.distinct(s, n - 1)]
        links = [(order[(place - h) % n], order[place]) for place in nodes for h in hops]
    elif kind == "el-local":
        links = [(i, j + (j >= i)) for i in nodes for j in draws.distinct(s, n - 1)]
    else:
        pairs = [(a, b) for a in nodes for b in range(a + 1, n)]
        edges = [pair for pair in pairs if draws.uniform() < q["edgeRate"]]
        while not is_connected(n, edges):
            edges = [pair for pair in pairs if draws.uniform() < q["edgeRate"]]
        links = edges + [(b, a) for a, b in edges]
    return sorted(links)


def metropolis(n, edges):
    """w_ij = 1 / (1 + max(d_i, d_j)), the rest on the diagonal."""
    a = np.zeros((n, n))
    for i, j in edges:
        a[i, j] = a[j, i] = 1
    d = a.sum(1)
    w = a / (1 + np.maximum(d[:, None], d[None, :]))
    return w + np.diag(1 - w.sum(1))


def ring(n):
    return [(i, (i + 1) % n) for i in range(n)]


def torus(n):
    r = int(n**0.5)
    while n % r:
        r -= 1
    c = n // r
    at = np.arange(n).reshape(r, c)
    pairs = [(at, np.roll(at, -1, 0)), (at, np.roll(at, -1, 1))]
    return [(int(i), int(j)) for a, b in pairs for i, j in zip(a.ravel(), b.ravel())]


def exponential(n):
    hops = [2**j for j in range(int(np.ceil(np.log2(n))))]
    w = np.eye(n)
    for h in hops:
        w += np.roll(np.eye(n), h, 0)
    return w / (1 + len(hops))


def matrix(graph):
    n = graph["size"]
    if graph["kind"] == "exponential":
        return exponential(n)
    edges = {"ring": ring, "torus": torus}.get(graph["kind"], lambda _: graph["edges"])(n)
    return metropolis(n, edges)


def factor(w):
    """The largest modulus of an eigenvalue of W - J."""
    n = len(w)
    return float(np.abs(np.linalg.eigvals(w - np.ones((n, n)) / n)).max())


def choco(q):
    """CHOCO-Gossip (Koloskova et al. 2019, Algorithm 1) with top-k; e_t as in Theorem 2."""
    w, x, k, t = matrix(q["graph"]), np.array(q["start"]), q["k"], q["steps"]
    n, d = x.shape
    delta, omega = 1 - factor(w), k / d
    beta = np.linalg.norm(np.eye(n) - w, 2)
    gamma = delta**2 * omega / (16 * delta + delta**2 + 4 * beta**2 + 2 * delta * beta**2 - 8 * delta * omega)
    hat = np.zeros_like(x)
    mean = x.mean(0)
    step = q.get("consensusStep", gamma)
    errors = []
    for _ in range(t):
        difference = x - hat
        sent = np.zeros_like(x)
        for i in range(n):
            places = np.argsort(-np.abs(difference[i]), kind="stable")[:k]
            sent[i, places] = difference[i, places].astype(np.float32)
        hat = hat + sent
        errors.append(float(((x - mean) ** 2).sum() + ((x - hat) ** 2).sum()))
        x = x + step * (w @ hat - hat)
    return {"models": x.tolist(), "gamma": gamma, "rate": 1 - delta**2 * omega / 82, "errors": errors}


def learning(q):
    """D-PSGD and DIGing on f_i(x) = a_i / 2 |x - b_i|^2."""
    w, a, b, rate = matrix(q["graph"]), np.array(q["a"])[:, None], np.array(q["b"]), q["rate"]
    x = np.zeros_like(b)
    for _ in range(q["steps"]):
        x = w @ x - rate * a * (x - b)
    z = np.zeros_like(b)
    y = a * (z - b)
    for _ in range(q["steps"]):
        after = w @ z - rate * y
        y = w @ y + a * (after - b) - a * (z - b)
        z = after
    return {"dpsgd": x.tolist(), "tracking": z.tolist(), "optimum": ((a * b).sum(0) / a.sum()).tolist()}


def low_rank(q):
    """Squared error of the best approximation of each rank."""
    s = np.linalg.svd(np.array(q["values"]).reshape(q["rows"], -1), compute_uv=False)
    return [float((s[r:] ** 2).sum()) for r in range(len(s) + 1)]


def bf16(values):
    """Upper halves of float32, to nearest, ties to even."""
    bits = np.array(values, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(int).tolist()


questions = json.load(sys.stdin)
json.dump(
    {
        "factors": [factor(matrix(graph)) for graph in questions["graphs"]],
        "drawn": [drawn(q) for q in questions["drawn"]],
        "choco": [choco(q) for q in questions["choco"]],
        "learning": learning(questions["learning"]),
        "lowRank": low_rank(questions["lowRank"]),
        "bf16": bf16(questions["bf16"]),
    },
    sys.stdout,
)
