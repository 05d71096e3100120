#!/usr/bin/env python3
"""Encoders of pictures with random weights, and what transformers computes from pictures with them.

Usage: make_vision.py GOLDEN_DIR      with PyTorch and transformers; writes deit-classify, deit-teacher, vit-multilabel,
                                      vit-rectangular, vit-encoder and blip-vision in GOLDEN_DIR

Reads the files that make_images.py made. `<case>.pixel_values` and `<case>.last_hidden_state` are in expected.safetensors, a
classifier's `logits` and the pipeline's `scores` in cases.json.
"""
import json
import os
import shutil
import sys

import numpy as np
from PIL import Image, ImageOps
from safetensors.torch import save_file
import torch
import transformers as tf

IMAGES = ["jpeg-420.jpg", "rgba8.png", "jpeg-exif6.jpg", "grey8.png"]
SIZES = dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40)
LABELS = dict(id2label={0: "cat", 1: "dog", 2: "bird", 3: "fish"}, label2id={"cat": 0, "dog": 1, "bird": 2, "fish": 3})


def randomized(model, seed, gain=0.9):
    """Weights large enough that every part of the model matters."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() > 1 and "embedding" not in name.rsplit(".", 1)[-1] and "token" not in name:
                parameter.copy_(noise * gain / parameter[0].numel() ** 0.5)
            elif "norm" in name and name.endswith("weight"):
                parameter.copy_(1 + 0.1 * noise)
            else:
                parameter.copy_(0.2 * noise)
    return model.eval()


def hidden_of(model, pixels):
    encoder = getattr(model, "base_model", model)
    return encoder(pixel_values=pixels).last_hidden_state[0]


def write(out, name, model, processor, kind):
    directory = os.path.join(out, name)
    shutil.rmtree(directory, ignore_errors=True)
    model.save_pretrained(directory)
    processor.save_pretrained(directory)
    cases, expected = [], {}
    for i, file in enumerate(IMAGES):
        image = ImageOps.exif_transpose(Image.open(os.path.join(out, "images", "files", file))).convert("RGB")
        pixels = torch.as_tensor(np.asarray(processor(images=image, return_tensors="np")["pixel_values"]))
        case = {"name": f"img{i}", "image": f"../images/files/{file}"}
        with torch.no_grad():
            expected[f"img{i}.last_hidden_state"] = hidden_of(model, pixels)
            if kind == "image-classify":
                case["logits"] = model(pixel_values=pixels).logits[0].tolist()
                several = model.config.problem_type == "multi_label_classification"
                logits = torch.tensor(case["logits"], dtype=torch.float64)
                case["scores"] = (logits.sigmoid() if several else logits.softmax(-1)).tolist()
        expected[f"img{i}.pixel_values"] = pixels[0]
        cases.append(case)
    with open(os.path.join(directory, "cases.json"), "w") as file:
        json.dump({"kind": kind, "tolerance": 1e-4, "cases": cases}, file, indent=1)
        file.write("\n")
    save_file({key: value.contiguous() for key, value in expected.items()},
              os.path.join(directory, "expected.safetensors"))


def square(kind, side, **more):
    return getattr(tf, f"{kind}ImageProcessorPil")(size={"height": side, "width": side}, **more)


def main():
    out = sys.argv[1]
    deit = dict(image_size=24, patch_size=8, **SIZES)
    cropped = square("DeiT", 28, crop_size={"height": 24, "width": 24})
    write(out, "deit-classify", randomized(tf.DeiTForImageClassification(tf.DeiTConfig(**deit, **LABELS)), 1), cropped,
          "image-classify")
    write(out, "deit-teacher", randomized(tf.DeiTForImageClassificationWithTeacher(tf.DeiTConfig(**deit, **LABELS)), 2),
          cropped, "image-classify")
    write(out, "vit-multilabel", randomized(tf.ViTForImageClassification(tf.ViTConfig(
        image_size=20, patch_size=4, hidden_act="gelu_new", layer_norm_eps=1e-6,
        problem_type="multi_label_classification", **SIZES, **LABELS)), 3),
        square("ViT", 20, image_mean=[0.48, 0.45, 0.4], image_std=[0.26, 0.26, 0.27]), "image-classify")
    # Sides that patches do not fill, patches that are no squares, and no bias where there need not be one.
    write(out, "vit-rectangular", randomized(tf.ViTForImageClassification(tf.ViTConfig(
        image_size=[26, 19], patch_size=[8, 6], qkv_bias=False, hidden_act="relu", **SIZES, **LABELS)), 4),
        tf.ViTImageProcessorPil(size={"height": 26, "width": 19}), "image-classify")
    write(out, "vit-encoder", randomized(tf.ViTModel(tf.ViTConfig(image_size=16, patch_size=8, **SIZES)), 5),
          square("ViT", 16), "encoder")
    write(out, "blip-vision", randomized(tf.BlipVisionModel(tf.BlipVisionConfig(image_size=32, patch_size=16, **SIZES)), 6),
          square("Blip", 32), "encoder")


if __name__ == "__main__":
    main()
