"""How far load_student.py's logits are from MONAI's and nnU-Net's own: one number a line.

    python3 check_oracles.py FOLDER_WITH_LOAD_STUDENT ORACLES
"""
import os
import sys

import torch

sys.path.insert(0, sys.argv[1])
from load_student import build, read_safetensors  # noqa: E402

SWIN = {"kind": "swin-unetr", "inChannels": 2, "featureSize": 12, "depths": [2, 2, 2, 2], "numHeads": [3, 6, 12, 24]}
SWIN.update(window=7, heads={"hps": 6, "ms": 3, "calc": 2})
UNET = {"kind": "unet", "inChannels": 2, "features": [8, 16, 32], "strides": [1, 2, 2], "convsPerStage": 2}
UNET.update(heads={"hps": 6}, deepSupervision=True, dropoutMilli=0)


def outputs_of(spec, name, train):
    """The network's outputs and the oracle's tensors."""
    net = build(spec).train(train)
    net.load_state_dict(read_safetensors(os.path.join(sys.argv[2], name + ".weights.safetensors")))
    io = read_safetensors(os.path.join(sys.argv[2], name + ".io.safetensors"))
    with torch.no_grad():
        return net(io["x"]), io


swin, io = outputs_of(SWIN, "swin_fs12_32x64x32", False)
for head, logits in swin.items():
    print((logits - io["out." + head]).abs().max().item())
unet, io = outputs_of(UNET, "unet_8_16_32", True)
for i, logits in enumerate(unet["hps"]):
    print((logits - io["out.%d" % i]).abs().max().item())
