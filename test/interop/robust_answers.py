"""Robust means by the formulas of the papers, written down in numpy over whole vectors (docs/specs/robust-rules.md has the sources).

  robust_answers.py CASES.json     prints the answers as JSON

A case: {"x": [[...], ...] changes, "w": weights, "rule": {...}} as src/wire/robust-rule.ts has it.
Deliberately not by the way of our code: no inner products, distances are of vectors, shares are found by repetition.
"""
import json
import sys

import numpy as np


def capped(weights, cap):
    shares = np.array(weights, float) / sum(weights)
    cap = max(cap, 1 / len(shares))
    fixed = np.zeros(len(shares), bool)
    while (shares > cap + 1e-12).any():
        fixed |= shares > cap + 1e-12
        shares[fixed] = cap
        free = ~fixed
        if free.any():
            shares[free] *= (1 - cap * fixed.sum()) / shares[free].sum()
    return shares


def lower_median(values, shares):
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(shares[order]) >= 0.5 - 1e-9
    return values[order][np.argmax(reached)]


def nearest(x, p, f):
    f = min(f, (len(x) - 1) // 2)
    rows = []
    for one in x:
        near = np.argsort(np.linalg.norm(x - one, axis=1), kind="stable")[: len(x) - f]
        rows.append(np.average(x[near], axis=0, weights=p[near]))
    return np.array(rows)


def centred_clip(x, p, times, steps):
    distances = np.linalg.norm(x[:, None] - x[None], axis=2)
    v = x[np.argmin(distances @ p)]
    for _ in range(steps):
        d = np.linalg.norm(x - v, axis=1)
        tau = times * lower_median(d, p)
        lam = np.minimum(1, tau / np.maximum(d, 1e-300))
        v = v + ((p * lam)[:, None] * (x - v)).sum(0)
    return v


def norm_clip(x, p, times):
    d = np.linalg.norm(x, axis=1)
    tau = times * lower_median(d, p)
    return ((p * np.minimum(1, tau / np.maximum(d, 1e-300)))[:, None] * x).sum(0)


def geometric_median(x, p, steps):
    v = np.average(x, axis=0, weights=p)
    for _ in range(steps):
        v = np.average(x, axis=0, weights=p / np.maximum(1e-6, np.linalg.norm(x - v, axis=1)))
    return v


def multi_krum(x, p, f):
    n = len(x)
    f = min(f, max(0, (n - 3) // 2))
    if f == 0:
        return np.average(x, axis=0, weights=p)
    squares = ((x[:, None] - x[None]) ** 2).sum(2)
    scores = [np.sort(np.delete(row, i))[: n - f - 2].sum() for i, row in enumerate(squares)]
    best = np.argsort(scores, kind="stable")[: n - f]
    return np.average(x[best], axis=0, weights=p[best])


def trimmed_mean(x, p, beta):
    out = []
    for column in x.T:
        order = np.argsort(column)
        ends = np.cumsum(p[order])
        starts = ends - p[order]
        inside = np.clip(np.minimum(ends, 1 - beta) - np.maximum(starts, beta), 0, None)
        out.append((inside * column[order]).sum() / (1 - 2 * beta))
    return np.array(out)


def median(x, p):
    if np.allclose(p, p[0]):
        return np.median(x, axis=0)  # numpy's own
    out = []
    for column in x.T:
        order = np.argsort(column)
        ends = np.cumsum(p[order])
        at = int(np.argmax(ends >= 0.5 - 1e-9))
        exact = abs(ends[at] - 0.5) < 1e-9
        out.append((column[order][at] + column[order][at + 1]) / 2 if exact else column[order][at])
    return np.array(out)


def answer(case):
    x, rule = np.array(case["x"], float), case["rule"]
    p = capped(case["w"], rule["capMicro"] / 1e6)
    if "nnmTolerated" in rule:
        x = nearest(x, p, rule["nnmTolerated"])
    kind = rule["kind"]
    if kind == "centred-clip":
        return centred_clip(x, p, rule["radiusMicro"] / 1e6, rule["iterations"])
    if kind == "norm-clip":
        return norm_clip(x, p, rule["radiusMicro"] / 1e6)
    if kind == "geometric-median":
        return geometric_median(x, p, rule["iterations"])
    if kind == "multi-krum":
        return multi_krum(x, p, rule["tolerated"])
    if kind == "trimmed-mean":
        return trimmed_mean(x, p, rule["trimMicro"] / 1e6)
    assert kind == "median"
    return median(x, p)


cases = json.load(open(sys.argv[1]))
print(json.dumps([answer(case).tolist() for case in cases]))
