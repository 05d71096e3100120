#!/usr/bin/env python3
"""What Pillow and transformers make of pictures: PNG and JPEG files of every kind, resizing, and image processors.

Usage: make_images.py GOLDEN_DIR      with Pillow, PyTorch and transformers; writes GOLDEN_DIR/images

    images/          the files; `<name>.rgb` in expected.safetensors [height, width, 3] is what
                     ImageOps.exif_transpose(Image.open(file)).convert("RGB") gives
    resize           `<name>.rgb` is what Image.resize() makes of the file that the case names
    processors       preprocessor_config.json as text, and `<name>.pixel_values` [3, height, width] of a file
"""
import io
import json
import os
import struct
import sys
import zlib

import numpy as np
from PIL import Image, ImageOps
from safetensors.numpy import save_file
import transformers

RNG = np.random.default_rng(5)


def picture(width, height, channels=3):
    """Smooth, with some noise: compresses as photographs do, and uses all values."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    planes = []
    for _ in range(channels):
        fx, fy, phase = RNG.uniform(0.1, 0.6, 3)
        planes.append(127.5 + 120 * np.sin(fx * x + fy * y + 6 * phase) + RNG.normal(0, 12, x.shape))
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


# PNG, written by hand: Pillow writes neither interlaced files nor most depths.

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack_rows(samples, depth):
    """[height, width, channels] to filtered scanlines; each row has another filter."""
    rows = bytearray()
    height, width, channels = samples.shape
    step = max(1, channels * depth // 8)
    previous = None
    for index in range(height if width else 0):
        flat = samples[index].reshape(-1)
        if depth == 16:
            line = flat.astype(">u2").tobytes()
        elif depth == 8:
            line = flat.astype(np.uint8).tobytes()
        else:
            bits = (flat[:, None] >> np.arange(depth - 1, -1, -1)) & 1
            line = np.packbits(bits.reshape(-1).astype(np.uint8)).tobytes()
        line = np.frombuffer(line, np.uint8).astype(int)
        previous = np.zeros_like(line) if previous is None else previous
        left = np.concatenate([np.zeros(step, int), line])[:len(line)]
        upper_left = np.concatenate([np.zeros(step, int), previous])[:len(line)]
        kind = index % 5
        guess = [0 * line, left, previous, (left + previous) // 2, paeth(left, previous, upper_left)][kind]
        rows += bytes([kind]) + ((line - guess) % 256).astype(np.uint8).tobytes()
        previous = line
    return bytes(rows)


def paeth(a, b, c):
    p = a + b - c
    pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
    return np.where((pa <= pb) & (pa <= pc), a, np.where(pb <= pc, b, c))


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def png(samples, depth, color, interlaced=False, before=b"", after=b""):
    height, width, _ = samples.shape
    passes = [samples[y::dy, x::dx] for x, y, dx, dy in ADAM7] if interlaced else [samples]
    data = zlib.compress(b"".join(pack_rows(part, depth) for part in passes if part.size), 9)
    cut = len(data) // 2  # two IDAT chunks
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced)))
            + before + chunk(b"IDAT", data[:cut]) + chunk(b"IDAT", data[cut:]) + after + chunk(b"IEND", b""))


def exif(orientation, order):
    """A TIFF header and one directory, `Orientation` after another entry."""
    e = "<" if order == "II" else ">"
    return (order.encode() + struct.pack(e + "HIH", 42, 8, 2)
            + struct.pack(e + "HHIHH", 0x0100, 3, 1, 7, 0) + struct.pack(e + "HHIHH", 0x0112, 3, 1, orientation, 0)
            + struct.pack(e + "I", 0))


def png_files():
    palette = RNG.integers(0, 256, (256, 3), dtype=np.uint8)
    plte = chunk(b"PLTE", palette.tobytes())
    for depth in (1, 2, 4, 8, 16):
        for interlaced in (False, True):
            suffix = f"{depth}{'-interlaced' if interlaced else ''}"
            top = 1 << depth
            yield f"grey{suffix}.png", png(RNG.integers(0, top, (13, 19, 1)), depth, 0, interlaced)
            if depth <= 8:
                size = min(top, 256)
                yield (f"palette{suffix}.png",
                       png(RNG.integers(0, size, (11, 17, 1)), depth, 3, interlaced,
                           chunk(b"PLTE", palette[:size].tobytes()) + chunk(b"tRNS", bytes(range(0, size, 2)))))
            if depth >= 8:
                yield f"grey-alpha{suffix}.png", png(RNG.integers(0, top, (9, 14, 2)), depth, 4, interlaced)
                yield f"rgb{suffix}.png", png(RNG.integers(0, top, (12, 10, 3)), depth, 2, interlaced)
                yield f"rgba{suffix}.png", png(RNG.integers(0, top, (10, 11, 4)), depth, 6, interlaced)
    small = RNG.integers(0, 600, (6, 7, 1))  # 16-bit values on both sides of 255
    yield "grey16-dark.png", png(small, 16, 0)
    yield "grey8-trns.png", png(RNG.integers(0, 256, (5, 5, 1)), 8, 0, before=chunk(b"tRNS", b"\0\x07"))
    yield "rgb8-trns.png", png(RNG.integers(0, 256, (5, 5, 3)), 8, 2, before=chunk(b"tRNS", bytes(6)))
    yield "palette8-short.png", png(RNG.integers(0, 256, (9, 9, 1)), 8, 3, before=chunk(b"PLTE", palette[:100].tobytes()))
    yield "rgb8-gamma.png", png(RNG.integers(0, 256, (5, 6, 3)), 8, 2,
                                before=chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"sRGB", b"\0") + plte)
    yield "rgb8-text.png", png(RNG.integers(0, 256, (4, 4, 3)), 8, 2,
                               before=chunk(b"tEXt", b"Comment\0words") + chunk(b"prIv", b"anything"))
    for orientation, order in ((6, "II"), (3, "MM")):
        yield f"rgb8-exif{orientation}.png", png(picture(9, 6), 8, 2, before=chunk(b"eXIf", exif(orientation, order)))
    yield "rgb8-exif8-late.png", png(picture(9, 6), 8, 2, after=chunk(b"eXIf", exif(8, "MM")))
    for width, height in ((1, 1), (1, 9), (9, 1), (3, 2)):
        yield f"rgb8-{width}x{height}.png", png(picture(width, height), 8, 2, interlaced=width == 3)


def jpeg(pixels, mode="RGB", **options):
    file = io.BytesIO()
    image = Image.fromarray(pixels if pixels.shape[-1] > 1 else pixels[..., 0], mode)
    image.save(file, "JPEG", **({"quality": 85} | options))
    return file.getvalue()


def adobe(data, transform):
    """The file with its Adobe marker's transform changed, or without the marker."""
    at = data.index(b"\xff\xee\x00\x0eAdobe")
    if transform is None:
        return data[:at] + data[at + 16:]
    return data[:at + 15] + bytes([transform]) + data[at + 16:]


def jpeg_files():
    for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
        for progressive in (False, True):
            yield (f"jpeg-{name}{'-progressive' if progressive else ''}.jpg",
                   jpeg(picture(37, 23), subsampling=sampling, progressive=progressive))
    yield "jpeg-grey.jpg", jpeg(picture(21, 18, 1), "L")
    yield "jpeg-grey-progressive.jpg", jpeg(picture(21, 18, 1), "L", progressive=True)
    yield "jpeg-rgb.jpg", jpeg(picture(20, 17), keep_rgb=True)
    yield "jpeg-poor.jpg", jpeg(picture(33, 31), quality=5)
    yield "jpeg-best.jpg", jpeg(picture(24, 24), quality=100, subsampling=0)
    yield "jpeg-restart.jpg", jpeg(picture(40, 40), restart_marker_blocks=1)
    cmyk = jpeg(picture(19, 22, 4), "CMYK")
    yield "jpeg-cmyk.jpg", cmyk
    yield "jpeg-cmyk-progressive.jpg", jpeg(picture(19, 22, 4), "CMYK", progressive=True)
    yield "jpeg-cmyk-no-marker.jpg", adobe(cmyk, None)
    # The same coefficients read as YCCK: other colours, by the other conversion.
    yield "jpeg-ycck.jpg", adobe(cmyk, 2)
    for orientation in range(0, 10):
        order = "II" if orientation % 2 else "MM"
        yield (f"jpeg-exif{orientation}.jpg",
               jpeg(picture(14, 9), exif=b"Exif\0\0" + exif(orientation, order)))
    for width, height in ((1, 1), (1, 8), (17, 1), (16, 16)):
        yield f"jpeg-{width}x{height}.jpg", jpeg(picture(width, height))


def load(data):
    return ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")


FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}


def resize_cases(images, expected):
    sizes = [("jpeg-444.jpg", s) for s in ((37, 23), (16, 16), (5, 3), (64, 48), (37, 7), (80, 23), (1, 1), (13, 50))]
    # Columns before rows, and sizes on both sides of where that begins.
    sizes += [("jpeg-444.jpg", s) for s in ((36, 11), (33, 15), (33, 14), (40, 22), (40, 24), (50, 9))]
    sizes += [("rgb8-1x9.png", (4, 4)), ("jpeg-17x1.jpg", (7, 2)), ("rgb8-1x1.png", (3, 5)), ("rgb8.png", (24, 24))]
    for file, (width, height) in sizes:
        for name, number in FILTERS.items():
            case = f"{file}-{name}-{width}x{height}"
            expected[f"{case}.rgb"] = np.asarray(load(images[file]).resize((width, height), number))
            yield {"name": case, "image": file, "filter": number, "width": width, "height": height}


PROCESSORS = {
    "vit": ("ViT", {"size": {"height": 24, "width": 20}}),
    "vit-int-size": ("ViT", {"size": 16, "image_mean": [0.48, 0.45, 0.4], "image_std": [0.26, 0.26, 0.27]}),
    "vit-bicubic": ("ViT", {"size": {"height": 16, "width": 16}, "resample": 3}),
    "vit-plain": ("ViT", {"size": {"height": 16, "width": 16}, "do_normalize": False}),
    "vit-raw": ("ViT", {"size": {"height": 16, "width": 16}, "do_normalize": False, "do_rescale": False}),
    "vit-unscaled": ("ViT", {"size": {"height": 16, "width": 16}, "do_rescale": False}),
    "vit-nearest": ("ViT", {"size": {"height": 18, "width": 16}, "resample": 0, "rescale_factor": 0.01}),
    "vit-as-it-is": ("ViT", {"do_resize": False}),
    "deit": ("DeiT", {"size": {"height": 28, "width": 28}, "crop_size": {"height": 24, "width": 24}}),
    "deit-odd": ("DeiT", {"size": {"height": 19, "width": 22}, "crop_size": {"height": 14, "width": 17}}),
    "deit-padded": ("DeiT", {"size": {"height": 17, "width": 20}, "crop_size": {"height": 24, "width": 25}}),
    "deit-padded-one-way": ("DeiT", {"size": {"height": 30, "width": 11}, "crop_size": {"height": 21, "width": 16}}),
    "blip": ("Blip", {"size": {"height": 32, "width": 32}}),
    "clip": ("CLIP", {"size": {"shortest_edge": 20}, "crop_size": {"height": 18, "width": 18}}),
    "clip-int-size": ("CLIP", {"size": 17, "crop_size": 17, "resample": 1}),
    "clip-no-crop": ("CLIP", {"size": {"shortest_edge": 13}, "do_center_crop": False, "resample": 5}),
    "clip-longest": ("CLIP", {"size": {"shortest_edge": 20, "longest_edge": 26}, "do_center_crop": False, "resample": 4}),
}


def processor_cases(images, expected):
    for name, (kind, options) in PROCESSORS.items():
        make = getattr(transformers, f"{kind}ImageProcessorPil")
        processor = make(**options)
        # What a checkpoint says: what the processor saves, but the options in the form that the case has.
        config = json.loads(processor.to_json_string()) | options
        for file in ("jpeg-420.jpg", "rgba8.png", "jpeg-exif6.jpg"):
            case = f"{name}-{file}"
            pixels = processor(images=load(images[file]), return_tensors="np")["pixel_values"][0]
            expected[f"{case}.pixel_values"] = np.ascontiguousarray(pixels.astype(np.float32))
            yield {"name": case, "image": file, "config": config}


def main():
    out = os.path.join(sys.argv[1], "images")
    os.makedirs(os.path.join(out, "files"), exist_ok=True)
    images = dict(png_files()) | dict(jpeg_files())
    expected = {}
    for name, data in images.items():
        with open(os.path.join(out, "files", name), "wb") as file:
            file.write(data)
        expected[f"{name}.rgb"] = np.asarray(load(data))
    cases = {"images": [{"name": name} for name in images],
             "resize": list(resize_cases(images, expected)),
             "processors": list(processor_cases(images, expected))}
    with open(os.path.join(out, "cases.json"), "w") as file:
        json.dump(cases, file, indent=1)
        file.write("\n")
    save_file({name: np.ascontiguousarray(array) for name, array in expected.items()},
              os.path.join(out, "expected.safetensors"))


if __name__ == "__main__":
    main()
