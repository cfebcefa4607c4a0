"""What PyTorch makes of given weights and input: logits, nnU-Net's loss, gradient norms, the loss after one step.

    python3 torch_answers.py FOLDER_WITH_LOAD_STUDENT CASE_FOLDER...

A case folder holds spec.json and case.safetensors: parameters by name, `x` [b, c, d, h, w] and `target.HEAD`
[b, d, h, w]. The answers go to answers.safetensors beside them: `out.HEAD`, `out.HEAD.i` of training mode, `loss`,
`gradnorm.NAME` and `loss_after_sgd`. All is computed in double precision: in single precision the small gradients depend on
the processor by more than a thousandth.
"""
import json
import os
import sys

import torch
from torch.nn import functional as F

sys.path.insert(0, sys.argv[1])
from load_student import build, read_safetensors  # noqa: E402


def main(folder):
    with open(os.path.join(folder, "spec.json"), encoding="utf-8") as file:
        net = build(json.load(file)).double()
    given = read_safetensors(os.path.join(folder, "case.safetensors"))
    x = given.pop("x").double()
    targets = {name[7:]: given.pop(name).long() for name in list(given) if name.startswith("target.")}
    net.load_state_dict({name: value.double() if value.is_floating_point() else value for name, value in given.items()})
    answers = {}
    with torch.no_grad():
        for head, logits in net.eval()(x).items():
            answers["out." + head] = logits
    net.train()
    value, outputs = loss(net, x, targets)
    for head, scales in outputs.items():
        answers.update({"out.%s.%d" % (head, i): logits.detach() for i, logits in enumerate(scales)})
    value.backward()
    answers["loss"] = value.detach()
    for name, parameter in net.named_parameters():
        answers["gradnorm." + name] = parameter.grad.norm()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter -= 0.01 * parameter.grad
        answers["loss_after_sgd"] = loss(net, x, targets)[0]
    write_safetensors(os.path.join(folder, "answers.safetensors"), answers)


def loss(net, x, targets):
    """Over heads, over scales i of 2^-i (cross-entropy + batch soft Dice without background, smooth 1)."""
    outputs = {head: o if isinstance(o, list) else [o] for head, o in net(x).items()}
    total = 0
    for head, target in targets.items():
        for i, logits in enumerate(outputs[head]):
            label = F.interpolate(target[:, None].float(), logits.shape[2:], mode="nearest")[:, 0].long()
            total = total + (F.cross_entropy(logits, label) + dice_loss(logits, label)) * 2**-i
    return total, outputs


def dice_loss(logits, label):
    p = logits.softmax(1)[:, 1:]
    y = F.one_hot(label, logits.shape[1]).movedim(-1, 1)[:, 1:].to(p.dtype)
    axes = (0, 2, 3, 4)
    dice = (2 * (p * y).sum(axes) + 1) / (p.sum(axes) + y.sum(axes) + 1)
    return -dice.mean()


def write_safetensors(path, tensors):
    header, blobs, offset = {}, [], 0
    for name, tensor in tensors.items():
        blob = tensor.contiguous().float().numpy().tobytes()
        shape = list(tensor.shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + b"".join(blobs))


if __name__ == "__main__":
    for case in sys.argv[2:]:
        main(case)
