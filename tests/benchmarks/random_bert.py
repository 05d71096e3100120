#!/usr/bin/env python3
"""Writes a BERT checkpoint of BERT-base's shape with random weights: for speed and memory, not for sense.

    random_bert.py DIRECTORY [--dtype f32|bf16] [--layers 12]

The tokenizer is the bundled demo model's, so that texts can be sent to it.
"""
import argparse
import json
import pathlib
import shutil

from random_checkpoint import write_tensors

HIDDEN, HEADS, INTERMEDIATE, VOCABULARY, POSITIONS = 768, 12, 3072, 30522, 512


def tensors(layers):
    yield "embeddings.word_embeddings.weight", (VOCABULARY, HIDDEN)
    yield "embeddings.position_embeddings.weight", (POSITIONS, HIDDEN)
    yield "embeddings.token_type_embeddings.weight", (2, HIDDEN)
    names = [("embeddings.LayerNorm", None, HIDDEN)]
    for layer in range(layers):
        at = f"encoder.layer.{layer}."
        for part in ("query", "key", "value"):
            names.append((f"{at}attention.self.{part}", HIDDEN, HIDDEN))
        names.append((at + "attention.output.dense", HIDDEN, HIDDEN))
        names.append((at + "attention.output.LayerNorm", None, HIDDEN))
        names.append((at + "intermediate.dense", HIDDEN, INTERMEDIATE))
        names.append((at + "output.dense", INTERMEDIATE, HIDDEN))
        names.append((at + "output.LayerNorm", None, HIDDEN))
    names.append(("pooler.dense", HIDDEN, HIDDEN))
    for name, inputs, outputs in names:
        yield name + ".weight", (outputs,) if inputs is None else (outputs, inputs)
        yield name + ".bias", (outputs,)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--layers", type=int, default=12)
    arguments = parser.parse_args()
    arguments.directory.mkdir(parents=True, exist_ok=True)
    demo = pathlib.Path(__file__).resolve().parents[2] / "models" / "demo-sentiment"
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(demo / name, arguments.directory / name)
    config = json.loads((arguments.directory / "tokenizer_config.json").read_text())
    config["model_max_length"] = POSITIONS
    (arguments.directory / "tokenizer_config.json").write_text(json.dumps(config))
    (arguments.directory / "config.json").write_text(json.dumps({
        "architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu", "hidden_size": HIDDEN,
        "num_attention_heads": HEADS, "num_hidden_layers": arguments.layers, "intermediate_size": INTERMEDIATE,
        "vocab_size": VOCABULARY, "max_position_embeddings": POSITIONS, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
        "pad_token_id": 0}, indent=1))
    write_tensors(arguments.directory / "model.safetensors", lambda: tensors(arguments.layers), arguments.dtype)


if __name__ == "__main__":
    main()
