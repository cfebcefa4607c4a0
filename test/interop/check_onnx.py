"""ONNX's own checker and shape inference over files, and what stands in them as JSON lines.

    python3 check_onnx.py FILE...
"""
import json
import sys

import onnx

for path in sys.argv[1:]:
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    graph = model.graph
    shapes = {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in [*graph.input, *graph.output]}
    print(
        json.dumps(
            {
                "opset": [entry.version for entry in model.opset_import],
                "shapes": shapes,
                "properties": {entry.key: entry.value for entry in model.metadata_props},
                "parameters": {t.name: list(t.dims) for t in graph.initializer if not t.name.startswith("constant_")},
            }
        )
    )
