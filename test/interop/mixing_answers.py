"""What numpy says of graphs and of algorithms: reads JSON from standard input, writes JSON to standard output.

    python3 mixing_answers.py < questions.json
"""
import json
import sys

import numpy as np


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
        "choco": [choco(q) for q in questions["choco"]],
        "learning": learning(questions["learning"]),
        "lowRank": low_rank(questions["lowRank"]),
        "bf16": bf16(questions["bf16"]),
    },
    sys.stdout,
)
