#!/usr/bin/env python3
"""Measures our tokenizers beside Hugging Face's, one thread each, and prints the table of docs/BENCHMARKS.md.

    tests/benchmarks/tokenizer_peers.py --reference "COMMAND"

COMMAND is a Python that has tokenizers; the program below is handed to it as text. Both encode the same batch of texts (words of
21 sentences in many scripts, shuffled, 5 to 120 a text) in turns; a row is the median of several rounds. Ids, types and offsets
are computed by both; turning the library's results into Python lists is not counted.
"""
import argparse
import json
import pathlib
import random
import shlex
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "golden"))
sys.dont_write_bytecode = True

from corpus import SENT  # noqa: E402

# kind -> the golden tokenizer of it
KINDS = {"WordPiece (BERT)": "bert-classify", "byte-level BPE (RoBERTa)": "roberta-classify", "byte-level BPE (GPT-2)": "tokenizers/gpt2-lm",
         "split by regex, BPE (Llama 3, Qwen)": "tokenizers/llama-lm", "BPE with byte fallback (Llama 2)": "tokenizers/llama2",
         "Unigram (XLM-RoBERTa)": "tokenizers/xlmr", "Unigram (T5)": "t5-translate", "Unigram (ALBERT)": "tokenizers/albert",
         "Unigram (DeBERTa-v3)": "tokenizers/deberta-v3"}

REFERENCE = r'''
import os
os.environ.update(TOKENIZERS_PARALLELISM="false", RAYON_NUM_THREADS="1")
import json, sys, time
from tokenizers import Tokenizer
tokenizer = Tokenizer.from_str(json.loads(sys.stdin.readline()))
texts = json.loads(sys.stdin.readline())
for line in sys.stdin:
    seconds, passes, begin = float(line), 0, time.perf_counter()
    while True:
        tokenizer.encode_batch(texts)
        passes += 1
        elapsed = time.perf_counter() - begin
        if elapsed >= seconds:
            break
    print(elapsed / passes, flush=True)
'''


def make_texts(count):
    words = [word for sentence in SENT for word in sentence.split(" ")]
    rng = random.Random(1)
    return [" ".join(rng.choices(words, k=rng.randint(5, 120))) for _ in range(count)]


def ask(process, seconds):
    process.stdin.write(f"{seconds}\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def measure(directory, texts, arguments):
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(texts, file)
        file.flush()
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        ours = subprocess.Popen([arguments.ours, directory, file.name], **pipes)
        theirs = subprocess.Popen([*shlex.split(arguments.reference), "-c", REFERENCE], **pipes)
        for value in ((directory / "tokenizer.json").read_text(encoding="utf-8"), texts):
            theirs.stdin.write(json.dumps(value) + "\n")
        for process in (ours, theirs):
            ask(process, 0)
        rounds = [(ask(ours, arguments.block), ask(theirs, arguments.block)) for _ in range(arguments.rounds)]
        for process in (ours, theirs):
            process.stdin.close()
            process.wait()
    return [statistics.median(side) for side in zip(*rounds)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", required=True)
    parser.add_argument("--ours", default=ROOT / "build/release/bin/tokenizer_rate")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--block", type=float, default=0.15, help="seconds a turn")
    parser.add_argument("--texts", type=int, default=128)
    arguments = parser.parse_args()
    texts = make_texts(arguments.texts)
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    print("| tokenizer | ours, MB/s | reference, MB/s | ratio |\n|---|---|---|---|")
    for kind, name in KINDS.items():
        ours, theirs = measure(ROOT / "tests/golden" / name, texts, arguments)
        print(f"| {kind} | {megabytes / ours:.1f} | {megabytes / theirs:.2f} | {theirs / ours:.1f} |", flush=True)


if __name__ == "__main__":
    main()
