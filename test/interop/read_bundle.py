"""What PyTorch finds in a bundle, as MONAI would: usage: read_bundle.py BUNDLE OUT.npz; imports from BUNDLE/scripts."""
import json
import sys

import numpy
import torch

bundle, out = sys.argv[1:]
sys.path.insert(0, bundle)
from scripts import load_student  # noqa: E402

config = json.load(open(bundle + "/configs/inference.json"))
# The default of newer versions; 1.13 has it by name, and nothing but tensors passes it.
state = torch.load(bundle + "/models/model.pt", map_location="cpu", weights_only=True)
spec = config["network_def"]["spec"]
joined, apart = load_student.build_joined(spec).eval(), load_student.build(spec).eval()
joined.load_state_dict(state)
apart.load_state_dict(state)
window = config["inferer"]["roi_size"]
x = torch.linspace(-1, 1, window[0] * window[1] * window[2]).reshape(1, 1, *window)
with torch.no_grad():
    logits = joined(x)
    heads = apart(x)
parts = {}
for step in config["postprocessing"]["transforms"]:
    if step["_target_"] == "Lambdad":
        parts[step["keys"]] = eval(step["func"][1:])(logits[0])
for head, values in heads.items():
    assert torch.equal(parts["pred_" + head], values[0].argmax(0, keepdim=True)), head
kinds = {name: [str(t.dtype), list(t.shape), t.is_contiguous()] for name, t in state.items()}
print(json.dumps({"kinds": kinds, "order": list(state), "joined": list(logits.shape)}))
numpy.savez(out, **{name: t.numpy() for name, t in state.items()})
