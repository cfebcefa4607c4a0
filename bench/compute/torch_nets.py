"""The two nets, the loss and the loader in plain PyTorch, as src/models has them: parameters by the same names.

Written as functions over a dict of parameters, so that it can be read beside src/models/unet.ts and swin-unetr.ts.
"""
import itertools
import json
import struct

import numpy
import torch
import torch.nn.functional as F

SLOPE = 0.01


def load_safetensors(path):
    """Tensors of a file by name."""
    types = {"F32": numpy.float32, "I32": numpy.int32}
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        begin, end = entry["data_offsets"]
        values = numpy.frombuffer(data[8 + length + begin : 8 + length + end], types[entry["dtype"]])
        tensors[name] = torch.from_numpy(values.reshape(entry["shape"]).copy())
    return tensors


def conv_norm(p, prefix, x, stride=1, slope=SLOPE, norm=None):
    """Convolution padded as PyTorch's padding = k // 2, instance norm, leaky ReLU unless slope is None."""
    w = p[prefix + ".weight"]
    y = F.conv3d(x, w, p.get(prefix + ".bias"), stride=stride, padding=[k // 2 for k in w.shape[2:]])
    gamma, beta = (p[norm + ".weight"], p[norm + ".bias"]) if norm else (None, None)
    y = F.instance_norm(y, weight=gamma, bias=beta, eps=1e-5)
    return y if slope is None else F.leaky_relu(y, slope, inplace=True)


def triple(stride):
    return [stride] * 3 if isinstance(stride, int) else list(stride)


def unet(p, spec, x):
    """[b, c, d, h, w] to the logits of every head, finest first, with deep supervision's coarser ones."""
    def stage(y, prefix, stride):
        for i in range(spec["convsPerStage"]):
            name = f"{prefix}.convs.{i}"
            y = conv_norm(p, name + ".conv", y, stride if i == 0 else 1, SLOPE, name + ".norm")
        return y

    skips = []
    for level, stride in enumerate(spec["strides"]):
        x = stage(x, f"encoder.stages.{level}.0", triple(stride))
        skips.append(x)
    y = skips.pop()
    outputs = {head: [] for head in spec["heads"]}
    last = len(skips) - 1
    for i in range(len(skips)):
        w, b = (p[f"decoder.transpconvs.{i}.{kind}"] for kind in ("weight", "bias"))
        y = F.conv_transpose3d(y, w, b, stride=w.shape[2:])
        y = stage(torch.cat([y, skips.pop()], 1), f"decoder.stages.{i}", 1)
        if i < last - 2 or (i < last and not spec["deepSupervision"]):
            continue
        for head, scales in outputs.items():
            one = len(outputs) == 1
            prefix = f"decoder.seg_layers.{i}" if one else f"decoder.heads.{head}.seg_layers.{i}"
            scales.insert(0, F.conv3d(y, p[prefix + ".weight"], p[prefix + ".bias"]))
    return outputs


# The order in which MONAI (since 1.5) stacks the corners of each 2x2x2 block.
CORNERS = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1)]


class SwinUnetr:
    """MONAI's SwinUNETR, patch size 2. An object because it keeps index tables and masks between passes."""

    def __init__(self, spec):
        self.spec = spec
        self.indices = {}
        self.masks = {}

    def __call__(self, p, spec, x):
        prefix = "swin_unetr."
        hidden = self.hidden_states(p, x)
        stages = len(spec["depths"])
        skips = [residual(p, prefix + "encoder1.layer", x)]
        for stage in range(stages - 1):
            skips.append(residual(p, f"{prefix}encoder{stage + 2}.layer", hidden[stage]))
        skips.append(hidden[stages - 1])
        y = residual(p, prefix + "encoder10.layer", hidden[stages])
        for level in range(stages, -1, -1):
            name = f"{prefix}decoder{level + 1}"
            y = F.conv_transpose3d(y, p[name + ".transp_conv.conv.weight"], stride=2)
            y = residual(p, name + ".conv_block", torch.cat([y, skips[level]], 1))
        return {
            head: [F.conv3d(y, p[f"outs.{head}.conv.conv.weight"], p[f"outs.{head}.conv.conv.bias"])]
            for head in spec["heads"]
        }

    def hidden_states(self, p, x):
        """[b, f, d/2, h/2, w/2] and after each stage, normalised without scale, channels first."""
        name = "swin_unetr.swinViT.patch_embed.proj"
        y = F.conv3d(x, p[name + ".weight"], p[name + ".bias"], stride=2).permute(0, 2, 3, 4, 1)
        states = [y]
        for stage, depth in enumerate(self.spec["depths"]):
            layer = f"swin_unetr.swinViT.layers{stage + 1}.0"
            for block in range(depth):
                heads = self.spec["numHeads"][stage]
                y = self.block(p, f"{layer}.blocks.{block}", y, heads, block % 2 == 1)
            y = torch.cat([y[:, a::2, b::2, c::2] for a, b, c in CORNERS], -1)
            y = layer_norm(p, layer + ".downsample.norm", y)
            y = F.linear(y, p[layer + ".downsample.reduction.weight"])
            states.append(y)
        return [F.layer_norm(y, y.shape[-1:]).permute(0, 4, 1, 2, 3) for y in states]

    def block(self, p, name, x, heads, shifted):
        """[b, d, h, w, c] to the same: attention in windows, then the perceptron, each added to its input."""
        x = x + self.attention(p, name, layer_norm(p, name + ".norm1", x), heads, shifted)
        y = layer_norm(p, name + ".norm2", x)
        y = F.gelu(F.linear(y, p[name + ".mlp.linear1.weight"], p[name + ".mlp.linear1.bias"]))
        return x + F.linear(y, p[name + ".mlp.linear2.weight"], p[name + ".mlp.linear2.bias"])

    def attention(self, p, name, x, heads, shifted):
        b, d, h, w, c = x.shape
        side = self.spec["window"]
        window = [min(n, side) for n in (d, h, w)]
        shift = [side // 2 if shifted and n > side else 0 for n in (d, h, w)]
        pad = [-n % k for n, k in zip((d, h, w), window)]
        x = F.pad(x, [0, 0, 0, pad[2], 0, pad[1], 0, pad[0]])
        padded = x.shape[1:4]
        if any(shift):
            x = torch.roll(x, [-s for s in shift], (1, 2, 3))
        n = window[0] * window[1] * window[2]
        counts = [size // k for size, k in zip(padded, window)]
        x = x.reshape(b, counts[0], window[0], counts[1], window[1], counts[2], window[2], c)
        x = x.permute(0, 1, 3, 5, 2, 4, 6, 7).reshape(-1, n, c)
        qkv = F.linear(x, p[name + ".attn.qkv.weight"], p[name + ".attn.qkv.bias"])
        q, k, v = qkv.reshape(-1, n, 3, heads, c // heads).permute(2, 0, 3, 1, 4)
        scores = (q * (c // heads) ** -0.5) @ k.transpose(-2, -1)
        table = p[name + ".attn.relative_position_bias_table"]
        bias = table[self.index(n).reshape(-1)].reshape(n, n, heads).permute(2, 0, 1)
        scores = scores + bias
        if any(shift):
            mask = self.mask(padded, window, shift)
            scores = scores.reshape(b, -1, heads, n, n) + mask[None, :, None]
            scores = scores.reshape(-1, heads, n, n)
        x = (torch.softmax(scores, -1) @ v).transpose(1, 2).reshape(-1, n, c)
        x = F.linear(x, p[name + ".attn.proj.weight"], p[name + ".attn.proj.bias"])
        x = x.reshape(b, *counts, *window, c).permute(0, 1, 4, 2, 5, 3, 6, 7).reshape(b, *padded, c)
        if any(shift):
            x = torch.roll(x, shift, (1, 2, 3))
        return x[:, :d, :h, :w]

    def index(self, n):
        """Rows of the bias table for each pair of the first n tokens of a full window."""
        if n not in self.indices:
            side = self.spec["window"]
            at = torch.tensor(list(itertools.product(range(side), repeat=3)))[:n]
            steps = at[:, None] - at[None] + side - 1
            span = 2 * side - 1
            self.indices[n] = (steps[..., 0] * span + steps[..., 1]) * span + steps[..., 2]
        return self.indices[n]

    def mask(self, padded, window, shift):
        """[windows, n, n]: -100 between tokens that only the roll brought together."""
        key = (tuple(padded), tuple(window), tuple(shift))
        if key not in self.masks:
            region = torch.zeros(tuple(padded))
            cuts = [
                (slice(0, -k), slice(-k, -s if s else None), slice(-s, None) if s else slice(0, 0))
                for k, s in zip(window, shift)
            ]
            for number, (z, y, x) in enumerate(itertools.product(*cuts)):
                region[z, y, x] = number
            counts = [size // k for size, k in zip(padded, window)]
            region = region.reshape(counts[0], window[0], counts[1], window[1], counts[2], window[2])
            region = region.permute(0, 2, 4, 1, 3, 5).reshape(counts[0] * counts[1] * counts[2], -1)
            self.masks[key] = (region[:, :, None] != region[:, None, :]).float() * -100
        return self.masks[key]


def layer_norm(p, name, x):
    # Autocast leaves it to us: mixed types are refused.
    return F.layer_norm(x.float(), x.shape[-1:], p[name + ".weight"], p[name + ".bias"])


def residual(p, prefix, x):
    """MONAI's UnetResBlock: two convolutions with norm, and the input (projected if need be) added."""
    y = conv_norm(p, prefix + ".conv1.conv", x)
    y = conv_norm(p, prefix + ".conv2.conv", y, slope=None)
    if prefix + ".conv3.conv.weight" in p:
        x = conv_norm(p, prefix + ".conv3.conv", x, slope=None)
    return F.leaky_relu(y + x, SLOPE, inplace=True)


def heads_loss(outputs, labels):
    """nnU-Net's loss as src/models/loss.ts: over heads, over scales i with weight 2^-i."""
    total = 0
    for head, scales in outputs.items():
        smooth = 1 if labels[head].any() else 1e6
        for i, logits in enumerate(scales):
            size = logits.shape[2:]
            target = F.interpolate(labels[head][None].float(), size=size, mode="nearest")[0].long()
            total = total + 2**-i * cross_entropy_dice(logits.float(), target, smooth)
    return total


def cross_entropy_dice(logits, target, smooth):
    log_p = torch.log_softmax(logits, 1)
    ce = F.nll_loss(log_p, target)
    p = log_p.exp()
    truth = torch.zeros_like(p).scatter_(1, target[:, None], 1)
    axes = (0, 2, 3, 4)
    overlap, volume = (p * truth).sum(axes)[1:], (p.sum(axes) + truth.sum(axes))[1:]
    return ce - ((2 * overlap + smooth) / (volume + smooth).clamp_min(1e-8)).mean()


def net_of(spec):
    return unet if spec["kind"] == "unet" else SwinUnetr(spec)
