#!/usr/bin/env python3
"""Writes a Marian checkpoint of the base shape with random weights, without a tokenizer: for speed, not for sense.

    random_marian.py DIRECTORY [--dtype f32|bf16]
"""
import argparse
import json
import pathlib

from random_checkpoint import linear, norm, write_tensors

WIDTH, HEADS, INNER, LAYERS, VOCABULARY, POSITIONS = 512, 8, 2048, 6, 58101, 512


def tensors():
    yield "model.shared.weight", (VOCABULARY, WIDTH)
    yield "final_logits_bias", (1, VOCABULARY)
    for stack in ("encoder", "decoder"):
        for layer in range(LAYERS):
            at = f"model.{stack}.layers.{layer}."
            for attention in ("self_attn", "encoder_attn")[:1 if stack == "encoder" else 2]:
                for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
                    yield from linear(f"{at}{attention}.{part}", WIDTH, WIDTH)
                yield from norm(f"{at}{attention}_layer_norm", WIDTH)
            yield from linear(at + "fc1", INNER, WIDTH)
            yield from linear(at + "fc2", WIDTH, INNER)
            yield from norm(at + "final_layer_norm", WIDTH)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    arguments = parser.parse_args()
    arguments.directory.mkdir(parents=True, exist_ok=True)
    padding = VOCABULARY - 1
    (arguments.directory / "config.json").write_text(json.dumps({
        "architectures": ["MarianMTModel"], "model_type": "marian", "d_model": WIDTH, "activation_function": "swish",
        "encoder_layers": LAYERS, "decoder_layers": LAYERS, "encoder_attention_heads": HEADS, "decoder_attention_heads": HEADS,
        "encoder_ffn_dim": INNER, "decoder_ffn_dim": INNER, "vocab_size": VOCABULARY, "max_position_embeddings": POSITIONS,
        "scale_embedding": True, "pad_token_id": padding, "decoder_start_token_id": padding, "eos_token_id": 0}, indent=1))
    (arguments.directory / "generation_config.json").write_text(json.dumps({
        "bad_words_ids": [[padding]], "decoder_start_token_id": padding, "eos_token_id": 0, "pad_token_id": padding,
        "max_length": POSITIONS, "num_beams": 4}, indent=1))
    write_tensors(arguments.directory / "model.safetensors", tensors, arguments.dtype)


if __name__ == "__main__":
    main()
