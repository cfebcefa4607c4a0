"""D-PSGD (Lian et al. 2017, algorithm 1) in plain NumPy on a task that beside.ts hands over: x_i <- sum_j W_ij x_j - lr grad f_i(x_i).

Two ways: `nodes` computes each node by itself, as a simulator with a process or an object for each node must; `matrix` is all
nodes in one matrix product, which no simulator of messages can be, and a bound of what NumPy can do.
"""
import json
import sys
import time

import numpy as np


def main() -> None:
    task = json.load(sys.stdin)
    n, d, rounds, rate = task["nodes"], task["dimension"], task["rounds"], task["learningRate"]
    a = np.array(task["curvature"]).reshape(n, d)
    b = np.array(task["centre"]).reshape(n, d)
    noise, kind = task["noiseStdDev"], task["precision"]
    best = (a * b).sum(0) / a.sum(0)
    mean_a = a.mean(0)
    w = np.zeros((n, n), dtype=kind)
    for node, links in enumerate(task["incoming"]):
        for source, weight in links:
            w[node, source] = weight

    def error(x: np.ndarray) -> float:
        return float((0.5 * mean_a * (x.astype(np.float64) - best) ** 2).sum(1).mean())

    def run(way: str, seed: int) -> tuple[list[float], float]:
        rng = np.random.default_rng(seed)
        x = np.zeros((n, d), dtype=kind)
        errors = [error(x)]
        spent = 0.0
        for _ in range(rounds):
            began = time.perf_counter()
            drawn = noise * rng.standard_normal((n, d)) if noise else 0.0
            if way == "matrix":
                x = (w @ x - rate * (a * (x - b) + drawn)).astype(kind)
            else:
                following = np.empty_like(x)
                for node in range(n):
                    grad = a[node] * (x[node] - b[node])
                    if noise:
                        grad = grad + drawn[node]
                    mixed = np.zeros(d)
                    for source, weight in task["incoming"][node]:
                        mixed = mixed + weight * x[source]
                    following[node] = mixed - rate * grad
                x = following
            spent += time.perf_counter() - began
            errors.append(error(x))
        return errors, spent

    result = {}
    spread = []
    # Noise drawn anew each time: how far apart runs of one program are.
    for repeat in range(task["repeats"]):
        spread.append(run("matrix", repeat)[0])
    for way in ("nodes", "matrix"):
        errors, spent = run(way, task["repeats"])
        result[way] = {"errors": errors, "seconds": spent}
    result["spread"] = spread
    json.dump(result, sys.stdout)


main()
