"""Checkpoints with random weights: for speed and memory, not for sense."""
import json
import struct

import numpy as np


def write_tensors(path, tensors, dtype):
    """A safetensors file of (name, shape) pairs, a function that yields them anew. Norms' weights are ones, the rest is
    normal with a deviation of 0.02. dtype: "f32" or "bf16"."""
    rng = np.random.default_rng(0)
    size, kind = (4, "F32") if dtype == "f32" else (2, "BF16")
    header, offset = {}, 0
    for name, shape in tensors():
        count = int(np.prod(shape)) * size
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [offset, offset + count]}
        offset += count
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in tensors():
            is_norm = name.endswith(("LayerNorm.weight", "layer_norm.weight"))
            values = np.ones(shape, np.float32) if is_norm else rng.standard_normal(shape, np.float32) * np.float32(0.02)
            file.write(values.tobytes() if size == 4 else (values.view(np.uint32) >> 16).astype(np.uint16).tobytes())


def linear(name, outputs, inputs):
    yield name + ".weight", (outputs, inputs)
    yield name + ".bias", (outputs,)


def norm(name, width):
    yield name + ".weight", (width,)
    yield name + ".bias", (width,)
