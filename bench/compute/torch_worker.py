"""PyTorch's side of the comparison: a request of JSON per line on standard input, an answer per line on standard output.

open: a case as bench/compute/cases.ts writes it, its tensors in a safetensors file.
run: that many repeats, timed one by one.
"""
import json
import sys
import time

import torch
import torch.nn.functional as F

from torch_nets import heads_loss, load_safetensors, net_of


def settle(tensor):
    """Waits until a card has done all that was asked of it."""
    if tensor.is_cuda:
        torch.cuda.synchronize()


def open_net(case, tensors, autocast):
    """A training step, and the finest logits of each head as [d, h, w, class] values."""
    spec, settings = case["spec"], case["optimiser"]
    params = {k[2:]: v.requires_grad_() for k, v in tensors.items() if k.startswith("p.")}
    labels = {k[2:]: v[None] for k, v in tensors.items() if k.startswith("l.")}
    x = tensors["x"][None, None]
    net = net_of(spec)
    optimiser = torch.optim.AdamW(
        params.values(),
        lr=settings["lr"],
        betas=(settings["beta1"], settings["beta2"]),
        eps=settings["eps"],
        weight_decay=settings["weightDecay"],
    )

    def step():
        with autocast():
            outputs = net(params, spec, x)
        loss = heads_loss(outputs, labels)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        settle(loss)
        return loss.item()

    def output():
        with torch.no_grad():
            outputs = net(params, spec, x)
        return {h: scales[0][0].permute(1, 2, 3, 0).reshape(-1) for h, scales in outputs.items()}

    return step, output


def open_conv(case, tensors, autocast):
    """Forward and both gradients; the answer is a norm over all three results."""
    x = tensors["x"][None].permute(0, 4, 1, 2, 3).contiguous().requires_grad_()
    dy = tensors["dy"][None].permute(0, 4, 1, 2, 3).contiguous()
    w = tensors["w"].requires_grad_()
    results = []

    def step():
        x.grad = w.grad = None
        with autocast():
            y = F.conv3d(x, w, padding=1)
        y.backward(dy.to(y.dtype))
        results[:] = [y.detach(), x.grad, w.grad]
        settle(y)
        return 0

    def output():
        step()
        return {"norms": torch.stack([t.double().norm() for t in results])}

    return step, output


class Worker:
    """Holds the one open case."""

    def hello(self, request):
        torch.set_num_threads(request["threads"])
        self.device = request.get("device", "cpu")
        if self.device != "cpu":
            torch.set_default_device(self.device)
        # Its default on a card rounds what is convolved to ten bits.
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = request.get("tf32", False)
        torch.backends.cudnn.benchmark = True
        with open("/proc/self/maps") as maps:
            loaded = maps.read()
        fast = any(name in loaded for name in ("openblas", "libmkl", "libblis"))
        note = None if fast or self.device == "cuda" else "PyTorch's BLAS is the slow reference one: apt-get install libopenblas0-openmp"
        version = torch.__version__
        if self.device == "cuda":
            version += f" on {torch.cuda.get_device_name()}"
        return {"version": version, "threads": torch.get_num_threads(), "note": note}

    def open(self, request):
        low = request["precision"] == "bf16"
        autocast = lambda: torch.autocast(self.device, dtype=torch.bfloat16, enabled=low)
        make = open_net if request["case"]["kind"] == "net" else open_conv
        tensors = {name: tensor.to(self.device) for name, tensor in load_safetensors(request["file"]).items()}
        self.step, self.output_of = make(request["case"], tensors, autocast)
        return {}

    def run(self, request):
        wall, cpu, losses = [], [], []
        for _ in range(request["repeats"]):
            start, cpu_start = time.perf_counter(), time.process_time()
            losses.append(self.step())
            wall.append((time.perf_counter() - start) * 1000)
            cpu.append((time.process_time() - cpu_start) * 1000)
        return {"wallMs": wall, "cpuMs": cpu, "losses": losses}

    def output(self, request):
        return {"values": {name: values.tolist() for name, values in self.output_of().items()}}

    def memory(self, request):
        if self.device == "cuda":
            return {"peakBytes": torch.cuda.max_memory_reserved()}
        with open("/proc/self/status") as status:
            line = next(line for line in status if line.startswith("VmHWM"))
        return {"peakBytes": int(line.split()[1]) * 1024}


worker = Worker()
for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = getattr(worker, request["do"])(request)
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
