#!/usr/bin/env python3
"""A student of Annulus as a plain PyTorch module, without anything of Annulus or MONAI.

    python3 load_student.py FOLDER                        what lies there, and one pass over an empty window
    python3 load_student.py FOLDER hu.npy logits.npz      a pass over a window of Hounsfield units

    from load_student import load_student
    net = load_student("FOLDER")       # in evaluation mode
    logits = net(net.normalise(hu))    # [b, c, d, h, w] -> {task: [b, classes, d, h, w]}

FOLDER holds model.json and model.safetensors. Axes are depth (towards the head), height (towards the front), width
(to the right) on the grid `spacingMm` of model.json; depth, height and width fit its `window`. Parameters have the
names of nnU-Net's PlainConvUNet (Isensee et al. 2021), or of MONAI's SwinUNETR (Hatamizadeh et al. 2022) under
`swin_unetr.` and UNETR (Hatamizadeh et al. 2022) under `unetr.`, with a head `outs.TASK` for each task.

Needs torch 1.10 or newer, and numpy for .npy files. Licence: Apache-2.0.
"""
import hashlib
import itertools
import json
import os
import sys

import torch
from torch import nn
from torch.nn import functional as F


def load_student(folder="."):
    """The network of `folder` with its weights, in evaluation mode. ValueError when the files do not belong together."""
    with open(os.path.join(folder, "model.json"), encoding="utf-8") as file:
        described = json.load(file)
    path = os.path.join(folder, "model.safetensors")
    with open(path, "rb") as file:
        if hashlib.sha256(file.read()).hexdigest() != described["digest"]:
            raise ValueError("%s: its SHA-256 is not the digest of model.json" % path)
    net = build(described["spec"])
    net.load_state_dict(read_safetensors(path))
    net.described = described
    return net.eval()


def read_safetensors(path):
    """Tensors by name; float32 only, as Annulus writes them."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start].decode("utf-8"))
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] != "F32":
            raise ValueError("%s: expected float32 in %s" % (path, name))
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(data, dtype=torch.float32, count=(end - begin) // 4, offset=start + begin)
        tensors[name] = flat.reshape(entry["shape"]).clone()
    return tensors


def build(spec):
    """The network of a specification, the `spec` of model.json, with random weights."""
    return {"unet": UNet, "swin-unetr": SwinUNETR, "unetr": UNETR}[spec["kind"]](spec)


def build_joined(spec):
    """As `build`, with one tensor out: the channels of all heads, one after another in the order of their names."""
    net = build(spec)
    net.register_forward_hook(lambda net, inputs, logits: torch.cat([logits[name] for name in sorted(logits)], 1))
    return net


class Student(nn.Module):
    """What the three networks share. `described` is model.json, once loaded."""

    described = None

    def normalise(self, hu):
        """Hounsfield units as the network was taught them."""
        scale = self.described["intensity"]
        return (hu.clamp(scale["clipLowHu"], scale["clipHighHu"]) - scale["meanHu"]) / scale["stdHu"]


# nnU-Net


class UNet(Student):
    """Stages of convolution, instance norm and leaky ReLU; in training mode a list of outputs per head, finest first."""

    def __init__(self, spec):
        super().__init__()
        features, convs, dropout = spec["features"], spec["convsPerStage"], spec["dropoutMilli"] / 1000
        strides = [tuple(s) if isinstance(s, list) else (s,) * 3 for s in spec["strides"]]
        levels = range(len(features))
        inputs = [spec["inChannels"]] + features
        self.encoder = nn.Module()
        self.encoder.stages = nn.Sequential(
            *[nn.Sequential(ConvStage(inputs[i], features[i], strides[i], convs, dropout)) for i in levels]
        )
        up = list(reversed(levels[:-1]))
        self.decoder = nn.Module()
        self.decoder.transpconvs = nn.ModuleList(
            [nn.ConvTranspose3d(features[i + 1], features[i], strides[i + 1], strides[i + 1]) for i in up]
        )
        self.decoder.stages = nn.ModuleList(
            [ConvStage(2 * features[i], features[i], 1, convs, dropout) for i in up]
        )
        self.outputs = [len(up) - 1 - i for i in range(min(3, len(up)) if spec["deepSupervision"] else 1)]

        def head(classes):
            return nn.ModuleDict({str(i): nn.Conv3d(features[up[i]], classes, 1) for i in self.outputs})

        self.names = sorted(spec["heads"])
        if len(self.names) == 1:
            self.decoder.seg_layers = head(spec["heads"][self.names[0]])
        else:
            self.decoder.heads = nn.ModuleDict({name: nn.Module() for name in self.names})
            for name in self.names:
                self.decoder.heads[name].seg_layers = head(spec["heads"][name])

    def forward(self, x):
        skips = []
        for stage in self.encoder.stages:
            x = stage(x)
            skips.append(x)
        skips.pop()
        results = {name: [] for name in self.names}
        for i, (up, stage) in enumerate(zip(self.decoder.transpconvs, self.decoder.stages)):
            x = stage(torch.cat([up(x), skips.pop()], 1))
            for name in self.names if i in self.outputs else []:
                head = self.decoder if len(self.names) == 1 else self.decoder.heads[name]
                results[name].insert(0, head.seg_layers[str(i)](x))
        return results if self.training else {name: scales[0] for name, scales in results.items()}


class ConvStage(nn.Module):
    def __init__(self, c_in, c_out, stride, convs, dropout):
        super().__init__()
        self.convs = nn.Sequential(
            *[ConvNorm(c_out if i else c_in, c_out, 1 if i else stride, dropout) for i in range(convs)]
        )

    def forward(self, x):
        return self.convs(x)


class ConvNorm(nn.Module):
    def __init__(self, c_in, c_out, stride, dropout):
        super().__init__()
        self.conv = nn.Conv3d(c_in, c_out, 3, stride, 1)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.InstanceNorm3d(c_out, affine=True)

    def forward(self, x):
        return F.leaky_relu(self.norm(self.dropout(self.conv(x))), 0.01)


# What MONAI's two transformers share


class Conv(nn.Module):
    """MONAI's `Convolution` without norm: the one layer `conv`."""

    def __init__(self, conv):
        super().__init__()
        self.conv = conv

    def forward(self, x):
        return self.conv(x)


def up_conv(c_in, c_out):
    return Conv(nn.ConvTranspose3d(c_in, c_out, 2, 2, bias=False))


class ResBlock(nn.Module):
    """`UnetResBlock`."""

    def __init__(self, c_in, c_out):
        super().__init__()
        self.conv1 = Conv(nn.Conv3d(c_in, c_out, 3, 1, 1, bias=False))
        self.conv2 = Conv(nn.Conv3d(c_out, c_out, 3, 1, 1, bias=False))
        if c_in != c_out:
            self.conv3 = Conv(nn.Conv3d(c_in, c_out, 1, bias=False))

    def forward(self, x):
        y = F.leaky_relu(F.instance_norm(self.conv1(x)), 0.01)
        y = F.instance_norm(self.conv2(y))
        return F.leaky_relu(y + (F.instance_norm(self.conv3(x)) if hasattr(self, "conv3") else x), 0.01)


class BasicBlock(nn.Module):
    """`UnetrBasicBlock`."""

    def __init__(self, c_in, c_out):
        super().__init__()
        self.layer = ResBlock(c_in, c_out)

    def forward(self, x):
        return self.layer(x)


class UpBlock(nn.Module):
    """`UnetrUpBlock`."""

    def __init__(self, c_in, c_out):
        super().__init__()
        self.transp_conv = up_conv(c_in, c_out)
        self.conv_block = ResBlock(2 * c_out, c_out)

    def forward(self, x, skip):
        return self.conv_block(torch.cat([self.transp_conv(x), skip], 1))


class Perceptron(nn.Module):
    """`MLPBlock`."""

    def __init__(self, c, hidden):
        super().__init__()
        self.linear1 = nn.Linear(c, hidden)
        self.linear2 = nn.Linear(hidden, c)

    def forward(self, x):
        return self.linear2(F.gelu(self.linear1(x)))


def attention(qkv, heads, added):
    """[windows, n, 3c] -> [windows, n, c]; `added` to the logits [windows, heads, n, n]."""
    windows, n, c3 = qkv.shape
    q, k, v = qkv.reshape(windows, n, 3, heads, c3 // 3 // heads).permute(2, 0, 3, 1, 4)
    logits = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1) + added
    return (logits.softmax(-1) @ v).transpose(1, 2).reshape(windows, n, c3 // 3)


def out_heads(heads, c):
    return nn.ModuleDict({name: Conv(Conv(nn.Conv3d(c, k, 1))) for name, k in sorted(heads.items())})


# SwinUNETR


class SwinUNETR(Student):
    def __init__(self, spec):
        super().__init__()
        f, stages = spec["featureSize"], len(spec["depths"])
        self.stages = stages
        self.swin_unetr = net = nn.Module()
        net.swinViT = SwinTransformer(spec)
        net.encoder1 = BasicBlock(spec["inChannels"], f)
        for i in range(stages - 1):
            setattr(net, "encoder%d" % (i + 2), BasicBlock(f * 2**i, f * 2**i))
        net.encoder10 = BasicBlock(f * 2**stages, f * 2**stages)
        for i in range(stages, -1, -1):
            setattr(net, "decoder%d" % (i + 1), UpBlock(f * 2**i, f * 2 ** max(0, i - 1)))
        self.outs = out_heads(spec["heads"], f)

    def forward(self, x):
        net, stages = self.swin_unetr, self.stages
        hidden = net.swinViT(x)
        skips = [net.encoder1(x)]
        skips += [getattr(net, "encoder%d" % (i + 2))(hidden[i]) for i in range(stages - 1)]
        skips.append(hidden[stages - 1])
        y = net.encoder10(hidden[stages])
        for i in range(stages, -1, -1):
            y = getattr(net, "decoder%d" % (i + 1))(y, skips[i])
        return {name: out(y) for name, out in self.outs.items()}


class SwinTransformer(nn.Module):
    """Hidden states before the first stage and after each, [b, c, d, h, w], normalised without scale."""

    def __init__(self, spec):
        super().__init__()
        f = spec["featureSize"]
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv3d(spec["inChannels"], f, 2, 2)
        self.stages = len(spec["depths"])
        for i, (depth, heads) in enumerate(zip(spec["depths"], spec["numHeads"])):
            stage = SwinStage(f * 2**i, depth, heads, spec["window"])
            setattr(self, "layers%d" % (i + 1), nn.ModuleList([stage]))

    def forward(self, x):
        x = self.patch_embed.proj(x).permute(0, 2, 3, 4, 1)  # [b, d, h, w, c]
        states = [x]
        for i in range(self.stages):
            x = getattr(self, "layers%d" % (i + 1))[0](x)
            states.append(x)
        return [F.layer_norm(s, s.shape[-1:]).permute(0, 4, 1, 2, 3) for s in states]


class SwinStage(nn.Module):
    def __init__(self, c, depth, heads, window):
        super().__init__()
        self.blocks = nn.ModuleList([SwinBlock(c, heads, window, i % 2 == 1) for i in range(depth)])
        self.downsample = PatchMerging(c)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.downsample(x)


class PatchMerging(nn.Module):
    """Corners in the order of MONAI's "merging" since 1.5 (Project-MONAI/MONAI#8285)."""

    def __init__(self, c):
        super().__init__()
        self.reduction = nn.Linear(8 * c, 2 * c, bias=False)
        self.norm = nn.LayerNorm(8 * c)

    def forward(self, x):
        corners = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1)]
        parts = [x[:, i::2, j::2, k::2, :] for i, j, k in corners]
        return self.reduction(self.norm(torch.cat(parts, -1)))


class SwinBlock(nn.Module):
    def __init__(self, c, heads, window, shifted):
        super().__init__()
        self.window, self.shifted = window, shifted
        self.norm1 = nn.LayerNorm(c)
        self.attn = WindowAttention(c, heads, window)
        self.norm2 = nn.LayerNorm(c)
        self.mlp = Perceptron(c, 4 * c)

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        return x + self.mlp(self.norm2(x))

    def attend(self, x):
        """[b, d, h, w, c] -> the same, attention in windows that are rolled by half their side in odd blocks."""
        b, d, h, w, c = x.shape
        # On an axis not longer than the window, the window shrinks to it and there is no shift.
        window = [min(size, self.window) for size in (d, h, w)]
        shift = [self.window // 2 if self.shifted and size > self.window else 0 for size in (d, h, w)]
        pad = [-size % side for size, side in zip((d, h, w), window)]
        x = F.pad(x, (0, 0, 0, pad[2], 0, pad[1], 0, pad[0]))
        padded = x.shape[1:4]
        x = torch.roll(x, [-s for s in shift], (1, 2, 3))
        mask = window_mask(padded, window, shift).to(x.device) if any(shift) else 0
        y = self.attn(cut(x, window), mask)
        counts = [size // side for size, side in zip(padded, window)]
        y = y.view(b, *counts, *window, c).permute(0, 1, 4, 2, 5, 3, 6, 7).reshape(b, *padded, c)
        return torch.roll(y, shift, (1, 2, 3))[:, :d, :h, :w, :]


def cut(x, window):
    """[b, d, h, w, c] -> [windows, n, c]"""
    b, d, h, w, c = x.shape
    a, e, g = window
    x = x.view(b, d // a, a, h // e, e, w // g, g, c).permute(0, 1, 3, 5, 2, 4, 6, 7)
    return x.reshape(-1, a * e * g, c)


def window_mask(size, window, shift):
    """[windows, n, n]: -100 between tokens that only the roll brought together."""
    region = torch.zeros(1, *size, 1)
    slices = [(slice(0, -a), slice(-a, -s), slice(-s, None)) if s else (slice(None),) for a, s in zip(window, shift)]
    for number, (i, j, k) in enumerate(itertools.product(*slices)):
        region[:, i, j, k, :] = number
    tokens = cut(region, window)[:, :, 0]
    return (tokens[:, None, :] != tokens[:, :, None]).float() * -100


class WindowAttention(nn.Module):
    def __init__(self, c, heads, window):
        super().__init__()
        self.heads, self.window = heads, window
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 3, heads))
        self.qkv = nn.Linear(c, 3 * c)
        self.proj = nn.Linear(c, c)

    def forward(self, x, mask):
        # [windows, n, c]; a smaller window takes the first n tokens of the whole one, as MONAI does.
        n, side = x.shape[1], self.window
        places = torch.cartesian_prod(*[torch.arange(side)] * 3)[:n]
        apart = places[:, None] - places[None] + side - 1
        row = (apart[..., 0] * (2 * side - 1) + apart[..., 1]) * (2 * side - 1) + apart[..., 2]
        added = self.relative_position_bias_table[row].permute(2, 0, 1)[None]
        if torch.is_tensor(mask):
            added = added + mask.repeat(x.shape[0] // mask.shape[0], 1, 1)[:, None]
        return self.proj(attention(self.qkv(x), self.heads, added))


# UNETR


class UNETR(Student):
    """The decoder takes the states after the layers at a quarter, half and three quarters: 3, 6, 9 of MONAI's 12."""

    def __init__(self, spec):
        super().__init__()
        f, hidden, layers = spec["featureSize"], spec["hiddenSize"], spec["numLayers"]
        self.quarters = [layers // 4, layers // 2, 3 * layers // 4]
        self.unetr = net = nn.Module()
        net.vit = ViT(spec)
        net.encoder1 = BasicBlock(spec["inChannels"], f)
        net.encoder2 = ProjectedUpBlock(hidden, 2 * f, 2)
        net.encoder3 = ProjectedUpBlock(hidden, 4 * f, 1)
        net.encoder4 = ProjectedUpBlock(hidden, 8 * f, 0)
        net.decoder5 = UpBlock(hidden, 8 * f)
        net.decoder4 = UpBlock(8 * f, 4 * f)
        net.decoder3 = UpBlock(4 * f, 2 * f)
        net.decoder2 = UpBlock(2 * f, f)
        self.outs = out_heads(spec["heads"], f)

    def forward(self, x):
        net = self.unetr
        grid = [side // 16 for side in x.shape[2:]]

        def on_grid(tokens):
            return tokens.transpose(1, 2).reshape(x.shape[0], -1, *grid)

        last, states = net.vit(x)
        second, third, fourth = (on_grid(states[i]) for i in self.quarters)
        y = net.decoder5(on_grid(last), net.encoder4(fourth))
        y = net.decoder4(y, net.encoder3(third))
        y = net.decoder3(y, net.encoder2(second))
        y = net.decoder2(y, net.encoder1(x))
        return {name: out(y) for name, out in self.outs.items()}


class ViT(nn.Module):
    """Tokens after the last layer, normalised, and after each as they are: [b, n, c]."""

    def __init__(self, spec):
        super().__init__()
        hidden = spec["hiddenSize"]
        d, h, w = (side // 16 for side in spec["imageSize"])
        self.patch_embedding = nn.Module()
        self.patch_embedding.patch_embeddings = nn.Conv3d(spec["inChannels"], hidden, 16, 16)
        self.patch_embedding.position_embeddings = nn.Parameter(torch.zeros(1, d * h * w, hidden))
        self.blocks = nn.ModuleList(
            [TransformerBlock(hidden, spec["mlpDim"], spec["numHeads"]) for _ in range(spec["numLayers"])]
        )
        self.norm = nn.LayerNorm(hidden)

    def forward(self, x):
        embedding = self.patch_embedding
        x = embedding.patch_embeddings(x).flatten(2).transpose(1, 2) + embedding.position_embeddings
        states = []
        for block in self.blocks:
            x = block(x)
            states.append(x)
        return self.norm(x), states


class TransformerBlock(nn.Module):
    def __init__(self, c, hidden, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(c)
        self.attn = SelfAttention(c, heads)
        self.norm2 = nn.LayerNorm(c)
        self.mlp = Perceptron(c, hidden)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class SelfAttention(nn.Module):
    """`SABlock` over all tokens."""

    def __init__(self, c, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(c, 3 * c, bias=False)
        self.out_proj = nn.Linear(c, c)

    def forward(self, x):
        return self.out_proj(attention(self.qkv(x), self.heads, 0))


class ProjectedUpBlock(nn.Module):
    """`UnetrPrUpBlock`."""

    def __init__(self, c_in, c_out, layers):
        super().__init__()
        self.transp_conv_init = up_conv(c_in, c_out)
        self.blocks = nn.ModuleList([nn.Sequential(up_conv(c_out, c_out), ResBlock(c_out, c_out)) for _ in range(layers)])

    def forward(self, x):
        x = self.transp_conv_init(x)
        for block in self.blocks:
            x = block(x)
        return x


# From the command line


def main(folder, hu_file=None, logits_file=None):
    net = load_student(folder)
    described = net.described
    window = described["window"]
    count = sum(p.numel() for p in net.parameters())
    print("%s of %d parameters, digest %s" % (described["spec"]["kind"], count, described["digest"]))
    print("window of %s voxels of %s mm" % (tuple(window), tuple(described["spacingMm"])))
    hu = torch.full(window, -1000.0)
    if hu_file is not None:
        import numpy

        hu = torch.from_numpy(numpy.load(hu_file).astype("float32"))
    with torch.no_grad():
        logits = net(net.normalise(hu)[None, None])
    for head, values in logits.items():
        print("%s %s from %.4f to %.4f" % (head, tuple(values.shape), values.min(), values.max()))
    if logits_file is not None:
        numpy.savez(logits_file, **{head: values[0].numpy() for head, values in logits.items()})


if __name__ == "__main__":
    if len(sys.argv) not in (2, 4):
        sys.exit("usage: load_student.py FOLDER [HU.npy LOGITS.npz]; as a module: see its first lines")
    main(*sys.argv[1:])
