"""What scripts/bench-peers measures: each cell is a piece of work for us, for a peer, and for a yardstick beside them.

Jobs are JSON objects that peer_runner.cc and torch_peer.py read. Symbols as in docs/ARCHITECTURE.md: B sequences, H query
heads, Hk key/value heads (H when left out), Sq and Sk tokens, D channels.
"""
import dataclasses
import os
import random

HEAD_SIZES = (64, 80, 96, 128)
# S: (B, H), so that a call takes over a millisecond.
BATCHES = {128: (32, 12), 256: (16, 12), 512: (8, 12), 1024: (2, 12), 2048: (2, 4), 4096: (2, 2)}
# Inputs x outputs of BERT-base's matrices: projection, the three of attention, and the two of the feed-forward part.
MATRICES = ((768, 768), (768, 2304), (768, 3072), (3072, 768))
RAGGED_LENGTHS = tuple(random.Random(1).choices(range(16, 513), k=32))
# What --quick measures.
QUICK = {"sdpa-bf16 B8 H12 S512 D64 full", "sdpa-bf16 B8 H12 S512 D64 causal", "sdpa-bf16 B8 H12 S512 D64 padding",
         "sdpa-bf16 B32 H12 S128 D80 full", "sdpa-bf16 B2 H4 S2048 D128 causal", "sdpa-f32 B8 H12 S512 D64 full",
         "sdpa-f32 B2 H4 S2048 D128 causal", "ragged sdpa-bf16 B32 S16..512", "ragged-dense sdpa-bf16 B32 S16..512",
         "decode-bf16 B1 H32 S4096 D128", "linear-bf16 M1024 768x3072", "bert-base-bf16 B1 S16", "bert-base-bf16 B1 S128",
         "bert-base-f32 B1 S128"}

OURS, TORCH = "ours", "torch"


@dataclasses.dataclass(frozen=True)
class Cell:
    name: str                # the first word is the group
    ours: dict
    peer: dict
    peer_is: str = TORCH     # or OURS: another way of our own to do the same
    yardstick: dict = None   # a job of ours that does nothing but the bounding resource
    amount: float = 0        # flop of the work, or bytes that it must read
    yardstick_amount: float = 0

    @property
    def group(self):
        return self.name.split()[0]


def matmul(dtype, rows=1024, inputs=768, outputs=3072):
    return {"work": "matmul", "dtype": dtype, "M": rows, "K": inputs, "N": outputs}


def against_matmul(dtype):
    """oneDNN's matmul primitive at a shape where it is fast."""
    return {"yardstick": matmul(dtype), "yardstick_amount": 2 * 1024 * 768 * 3072}


def sdpa(dtype, size, length, mode):
    batch, heads = BATCHES[length]
    job = {"work": "sdpa", "dtype": dtype, "B": batch, "H": heads, "Sq": length, "Sk": length, "D": size}
    pairs = batch * length * length
    if mode == "causal":
        job["causal"] = True
        pairs = batch * length * (length + 1) // 2
    if mode == "padding":  # about half of the keys in half of the sequences, as a batch padded to its longest has
        job["valid"] = [length // 2 - 3 if b % 2 == 0 else length for b in range(batch)]
        pairs = length * sum(job["valid"])
    return Cell(f"sdpa-{dtype} B{batch} H{heads} S{length} D{size} {mode}", job, job, amount=4 * heads * size * pairs,
                **against_matmul(dtype))


def ragged_sdpa():
    """Against the padded batch of the peer, and against a dense batch of ours with as many tokens and as many pairs."""
    lengths, heads, size = RAGGED_LENGTHS, 12, 64
    job = {"work": "sdpa", "dtype": "bf16", "lengths": lengths, "H": heads, "D": size}
    pairs = sum(n * n for n in lengths)
    length = round(pairs / sum(lengths))
    dense = {"work": "sdpa", "dtype": "bf16", "B": round(sum(lengths) / length), "H": heads, "Sq": length, "Sk": length, "D": size}
    options = {"amount": 4 * heads * size * pairs, **against_matmul("bf16")}
    yield Cell("ragged sdpa-bf16 B32 S16..512", job, job, **options)
    yield Cell("ragged-dense sdpa-bf16 B32 S16..512", job, dense, peer_is=OURS, **options)


def cache_bytes():
    try:
        return max(os.sysconf("SC_LEVEL3_CACHE_SIZE"), os.sysconf("SC_LEVEL2_CACHE_SIZE"))
    except (ValueError, OSError):
        return 64 << 20


def decode(keys, kv_heads):
    """One query over many keys. Keys and values take turns with copies until they come from memory, not from a cache."""
    heads, size = 32, 128
    bytes_read = 2 * keys * kv_heads * size * 2
    copies = -(-2 * cache_bytes() // bytes_read)
    job = {"work": "sdpa", "dtype": "bf16", "B": 1, "H": heads, "Hk": kv_heads, "Sq": 1, "Sk": keys, "D": size, "copies": copies}
    name = f"decode-bf16 B1 H{heads} S{keys} D{size}" + ("" if kv_heads == heads else f" Hk{kv_heads}")
    return Cell(name, job, job, yardstick={"work": "memory", "bytes": copies * bytes_read}, amount=bytes_read,
                yardstick_amount=copies * bytes_read)


def linear(dtype, inputs, outputs):
    """Ours with a bias against the bare primitive."""
    peer = matmul(dtype, 1024, inputs, outputs)
    return Cell(f"linear-{dtype} M1024 {inputs}x{outputs}", {**peer, "work": "linear"}, peer, peer_is=OURS,
                amount=2 * 1024 * inputs * outputs, **against_matmul(dtype))


def bert_flop(lengths):
    hidden, inner, layers = 768, 3072, 12
    return sum(layers * (2 * n * (4 * hidden * hidden + 2 * hidden * inner) + 4 * n * n * hidden) for n in lengths)


def bert(dtype, name, lengths, model, group=None):
    job = {"work": "encoder", "dtype": dtype, "lengths": lengths, "model": model}
    title = f"bert-base-{dtype} {name}"
    return Cell(f"{group} {title}" if group else title, job, job, amount=bert_flop(lengths), **against_matmul(dtype))


def int8(name, lengths, model):
    job = {"work": "encoder", "dtype": "int8", "lengths": lengths, "model": model}
    return Cell(f"bert-base-int8 {name}", job, {**job, "dtype": "bf16"}, peer_is=OURS, amount=bert_flop(lengths),
                **against_matmul("bf16"))


def marian_flop(batch, beams, source, target):
    """Of the products with weights; the target's tokens count once for each beam."""
    width, inner, layers, vocabulary = 512, 2048, 6, 58101
    encoder = 2 * layers * (4 * width * width + 2 * width * inner)
    memory = 2 * layers * 2 * width * width
    decoder = 2 * (layers * (6 * width * width + 2 * width * inner) + width * vocabulary)
    return batch * (source * (encoder + memory) + target * beams * decoder)


def marian(dtype, batch, beams, model):
    job = {"work": "generation", "dtype": dtype, "B": batch, "beams": beams, "source": 24, "target": 32, "model": model}
    peer = {**job, "dtype": "bf16"} if dtype == "int8" else job
    return Cell(f"marian-base-{dtype} B{batch} beams{beams} 24to32", job, peer, amount=marian_flop(batch, beams, 24, 32),
                **against_matmul("f32" if dtype == "f32" else "bf16"))


def cells(model, translation="translation"):
    """All of them; the models are checkpoints of BERT-base's and of Marian's base shape."""
    shapes = {"B1 S16": [16], "B1 S128": [128], "B32 S128": [128] * 32}
    for dtype in ("bf16", "f32"):
        for mode in ("full", "causal", "padding"):
            for size in HEAD_SIZES:
                for length in BATCHES:
                    yield sdpa(dtype, size, length, mode)
    yield from ragged_sdpa()
    for keys, kv_heads in ((4096, 32), (32768, 32), (32768, 8)):
        yield decode(keys, kv_heads)
    for dtype in ("bf16", "f32"):
        for inputs, outputs in MATRICES:
            yield linear(dtype, inputs, outputs)
    for dtype in ("bf16", "f32"):
        for name, lengths in shapes.items():
            yield bert(dtype, name, lengths, model)
    for name, lengths in shapes.items():
        yield int8(name, lengths, model)
    yield bert("bf16", "B32 S16..512", RAGGED_LENGTHS, model, group="ragged")
    for dtype in ("bf16", "f32", "int8"):
        for batch, beams in ((32, 4), (32, 1), (1, 1)):
            yield marian(dtype, batch, beams, translation)
