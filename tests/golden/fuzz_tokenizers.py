#!/usr/bin/env python3
"""Compares our tokenizers with Hugging Face's on random texts.

    fuzz_tokenizers.py --reference "COMMAND" [--count N] [--seed S] [--only NAME] [DIRECTORY ...]

COMMAND is a Python that has tokenizers (it may be one in a container or another root): the program below is handed to it as text.
Each DIRECTORY has a tokenizer.json; without any, all of the golden data are taken. Texts are mixed from scripts, marks, emoji,
control characters, long runs, the tokenizer's own tokens and sentences; some have a pair, some are cut, at either end. Compared
are ids, types, sequences, offsets and decoded text, and the decoding of random ids. Every difference is printed; the exit code is
1 when there was one.

--sweep takes every character once instead. --sample FILE writes the cases with the reference's results instead; with --check FILE
they are what ours is compared with, and no reference is needed.
"""
import argparse
import concurrent.futures
import gzip
import itertools
import json
import pathlib
import random
import shlex
import subprocess
import sys
import unicodedata

from corpus import SENT, TRICKY

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]

# Runs in the reference's Python: a tokenizer, then cases, a line each, on stdin; results on stdout.
REFERENCE = r'''
import json, sys
from tokenizers import Tokenizer
tokenizer = Tokenizer.from_str(json.loads(sys.stdin.readline()))
tokenizer.no_truncation()
tokenizer.no_padding()
def run(case):
    if "ids" in case:
        ids, result = case["ids"], {}
    else:
        text, pair, length = case["text"], case.get("pair"), case.get("max_length", 0)
        if length:
            tokenizer.enable_truncation(length, strategy="longest_first", direction="left" if case.get("left") else "right")
        else:
            tokenizer.no_truncation()
        e = tokenizer.encode(text, pair, add_special_tokens=case.get("special", True))
        ids = e.ids
        result = dict(ids=ids, type_ids=e.type_ids, offsets=[o for pair in e.offsets for o in pair],
                      sequence=[-1 if s is None else s for s in e.sequence_ids])
    result["decoded"] = tokenizer.decode(ids, skip_special_tokens=False)
    result["decoded_plain"] = tokenizer.decode(ids, skip_special_tokens=True)
    return result
for line in sys.stdin:
    try:
        result = run(json.loads(line))
    except BaseException as error:
        result = dict(error=str(error) or type(error).__name__)
    print(json.dumps(result), flush=True)
'''

# Characters by kind. Those of Unicode 15 and later are left out: the libraries that both sides stand on disagree about them, being
# of different years, and so will the next year's.
RANGES = [
    (0x20, 0x7E), (0x20, 0x7E), (0x41, 0x5A), (0x61, 0x7A), (0x61, 0x7A), (0x30, 0x39), (0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60),
    (0xA0, 0xFF), (0x100, 0x17F), (0x180, 0x24F), (0x250, 0x2FF), (0x300, 0x36F), (0x370, 0x377), (0x384, 0x3FF), (0x400, 0x52F),
    (0x531, 0x556), (0x591, 0x5F4), (0x600, 0x6FF), (0x900, 0x97F), (0x985, 0x9CC), (0xE01, 0xE5B), (0xF00, 0xF47),
    (0x10A0, 0x10FF), (0x1100, 0x11FF), (0x1680, 0x169C), (0x1800, 0x180E), (0x1D00, 0x1DBF), (0x1E00, 0x1FFE), (0x2000, 0x2064),
    (0x2066, 0x206F), (0x2070, 0x209C), (0x20A0, 0x20BF), (0x20D0, 0x20F0), (0x2100, 0x218B), (0x2190, 0x23FF), (0x2460, 0x24FF),
    (0x2500, 0x2BFF), (0x2C60, 0x2C7F), (0x2E80, 0x2FD5), (0x3000, 0x303F), (0x3041, 0x30FF), (0x3131, 0x318E), (0x3200, 0x32FF),
    (0x3300, 0x33FF), (0x4E00, 0x9FFC), (0x4E00, 0x4FFF), (0xAC00, 0xD7A3), (0xAC00, 0xD7A3), (0xE000, 0xE010), (0xF900, 0xFA6D),
    (0xFB00, 0xFB06), (0xFB1D, 0xFB4F), (0xFBD3, 0xFBFF), (0xFDF0, 0xFDFD), (0xFE00, 0xFE0F), (0xFE30, 0xFE6B), (0xFE70, 0xFEFF),
    (0xFF01, 0xFFEE), (0xFFF9, 0xFFFF), (0x10000, 0x1005D), (0x10330, 0x1034A), (0x10400, 0x1044F), (0x1D15E, 0x1D164),
    (0x1D400, 0x1D7FF), (0x1F100, 0x1F16B), (0x1F1E6, 0x1F1FF), (0x1F200, 0x1F202), (0x1F300, 0x1F6D2), (0x1F900, 0x1F9FF),
    (0x20000, 0x20100), (0x2A700, 0x2A720), (0x2F800, 0x2FA1D), (0xE0001, 0xE007F), (0xE0100, 0xE01EF), (0x10FFFD, 0x10FFFF)]
PIECES = [
    " ", " ", " ", "  ", "   ", "\t", "\n", "\r\n", "\n\n", "\r", "\u00a0", "\u3000", "\u2028", "\u0085", "\u180e", "\u200b", "\u200d",
    "\u200c", "\ufeff", "\u00ad", "\x00", "\x01", "\x07", "\x1f", "\x7f", "\x9f", "\ufffd", "'s", "'S", "'ll", "'RE", "'\u017f", "n't",
    " do not", " 'm", "\u212a", "\u017f", "ß", "ẞ", "İ", "ı", "ŉ", "ǅ", "ﬁ", "ﬀ", "№", "½", "①", "Ⅷ", "ﷺ", "e\u0301", "e\u0323\u0301",
    "\u0301", "\u0345", "a\u0301\u0327", "A\u030a", "o\u0308", "カ\u3099", "가", "각", "\u1100\u1161\u11a8", "가\u11a8", "\u0958",
    "क्षि", "นี้", "👍🏽", "👨‍👩‍👧‍👦", "🇫🇷🇩🇪", "❤️", "1️⃣", "``", "''", "…", "“x”", "’", "▁", "Ġ", "##", "</w>", "<0x41>", "<0xE2>",
    "-", "a-b", "1,234.5", "|", "||", ",,", "!?", "3.14", "12345678", "camelCase", "ABCdef", "_", "__x__", "日本語", "안녕", "مرحبا",
    "[CLS]", "[MASK]", " [MASK] ", "<mask>", "  <mask>", "<s>", "</s>", "<unk>", "[UNK]", "<|endoftext|>", "NOTUSED", "école",
    "xécole", "cat", "cats", " love ", "|||IP_ADDRESS|||", "<r>  ", "  ôté  ", "</sep>", " </sep> "]


def character(rng):
    low, high = rng.choice(RANGES)
    return chr(rng.randint(low, high))


def make_text(rng, tokens):
    parts = []
    for _ in range(rng.choice((0, 1, 1, 2, 3, 4, 6, 8, 12, 20))):
        kind = rng.random()
        if kind < 0.25:
            parts.append("".join(character(rng) for _ in range(rng.randint(1, 6))))
        elif kind < 0.35:
            low, high = rng.choice(RANGES)
            parts.append("".join(chr(rng.randint(low, high)) for _ in range(rng.randint(1, 12))))
        elif kind < 0.6:
            parts.append(rng.choice(PIECES))
        elif kind < 0.72:
            words = rng.choice(SENT).split(" ")
            at = rng.randrange(len(words))
            parts.append(" ".join(words[at:at + rng.randint(1, 8)]) + rng.choice(("", " ")))
        elif kind < 0.82:
            parts.append(rng.choice(tokens))
        elif kind < 0.9:
            parts.append("".join(rng.choice("abcdefghijklmnopqrstuvwxyzABCD  019.,'") for _ in range(rng.randint(1, 20))))
        elif kind < 0.93:
            parts.append(rng.choice((character(rng), rng.choice(PIECES))) * rng.choice((2, 3, 5, 17, 60, 150)))
        elif kind < 0.97:
            parts.append(character(rng) + "".join(chr(rng.randint(0x300, 0x36F)) for _ in range(rng.randint(1, 4))))
        else:
            parts.append(rng.choice(TRICKY))
    return "".join(c for c in "".join(parts) if not 0xD800 <= ord(c) < 0xE000)


def make_case(rng, tokens, num_ids):
    if rng.random() < 0.1:
        return dict(ids=[rng.randrange(num_ids) for _ in range(rng.randint(0, 30))])
    case = dict(text=make_text(rng, tokens))
    if rng.random() < 0.2:
        case["pair"] = make_text(rng, tokens)
    if rng.random() < 0.3:
        case["special"] = False
    if rng.random() < 0.3:
        case["max_length"] = rng.choice((5, 6, 7, 8, 10, 16, 31))
        case["left"] = rng.random() < 0.5
    return case


def in_bytes(case, result):
    """The reference counts code points, ours bytes."""
    if "offsets" not in result:
        return result
    places = []
    for text in (case["text"], case.get("pair", "")):
        place = [0]
        for c in text:
            place.append(place[-1] + len(c.encode()))
        places.append(place)
    offsets = [places[max(result["sequence"][i // 2], 0)][offset] for i, offset in enumerate(result["offsets"])]
    return dict(result, offsets=offsets)


class Side:
    """A process that answers lines with lines."""

    def __init__(self, command, first=None):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
                                        errors="strict", stderr=subprocess.DEVNULL if first is not None else None)
        if first is not None:
            self.process.stdin.write(json.dumps(first) + "\n")

    def send(self, lines):
        self.process.stdin.write("".join(lines))
        self.process.stdin.flush()

    def receive(self, count):
        return [json.loads(self.process.stdout.readline()) for _ in range(count)]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def sweep():
    """Every assigned character: alone, in a word, with a mark, twice."""
    characters = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
    for at in range(0, len(characters), 8):
        yield dict(text=" ".join(f"{c} a{c}b {c}\u0301 e{c}{c}" for c in characters[at:at + 8]))


def cases_of(directory, seed, count):
    raw = json.loads((directory / "tokenizer.json").read_text(encoding="utf-8"))
    vocab = raw["model"]["vocab"]
    tokens = [entry[0] for entry in vocab] if isinstance(vocab, list) else list(vocab)
    added = [token["content"] for token in raw["added_tokens"]]
    num_ids = max([len(tokens)] + [token["id"] + 1 for token in raw["added_tokens"]])
    rng = random.Random(f"{seed} {directory.name}")
    # Added tokens are few among the tokens: they come up more often than their share.
    pool = tokens + added * max(1, len(tokens) // (4 * max(1, len(added))))
    # Cuts whose scores are equal but for rounding.
    yield from (dict(text=text) for text in ("99999999999999999", "1111111111 2222222222", "№№№№№№№№№№№№№"))
    for _ in range(count):
        yield make_case(rng, pool, num_ids)


def same(ours, reference):
    if "error" in ours or "error" in reference:
        return ("error" in ours) == ("error" in reference)
    return ours == reference


def compare(directory, arguments):
    contents = (directory / "tokenizer.json").read_text(encoding="utf-8")
    reference = Side(shlex.split(arguments.reference) + ["-c", REFERENCE], contents)
    ours = Side([str(arguments.ours), str(directory)])
    differences = errors = 0
    batch = []

    def flush():
        nonlocal differences, errors
        lines = [json.dumps(case) + "\n" for case in batch]
        for side in (reference, ours):
            side.send(lines)
        for case, theirs, our in zip(batch, reference.receive(len(batch)), ours.receive(len(batch))):
            errors += "error" in theirs
            theirs = in_bytes(case, theirs)
            if not same(our, theirs):
                differences += 1
                if differences <= arguments.show:
                    print(json.dumps(case), f"\n  ours      {json.dumps(our)}\n  reference {json.dumps(theirs)}")
        batch.clear()

    cases = list(sweep() if arguments.sweep else cases_of(directory, arguments.seed, arguments.count))
    for case in cases:
        batch.append(case)
        if len(batch) == 64:
            flush()
    flush()
    reference.close()
    ours.close()
    print(f"{directory.name}: {len(cases)} cases, {errors} errors on both sides or one, {differences} differences", flush=True)
    return differences


def write_sample(directories, arguments):
    with gzip.GzipFile(arguments.sample, "wb", mtime=0) as out:
        for directory in directories:
            contents = (directory / "tokenizer.json").read_text(encoding="utf-8")
            side = Side(shlex.split(arguments.reference) + ["-c", REFERENCE], contents)
            for case in cases_of(directory, arguments.seed, arguments.count):
                side.send([json.dumps(case) + "\n"])
                result = in_bytes(case, side.receive(1)[0])
                line = [str(directory.relative_to(HERE)), case, result]
                out.write((json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n").encode())
            side.close()


def check_sample(arguments):
    with gzip.open(arguments.check, "rt", encoding="utf-8") as lines:
        sample = [json.loads(line) for line in lines]
    differences = 0
    for name, group in itertools.groupby(sample, key=lambda entry: entry[0]):
        group = list(group)
        ours = Side([str(arguments.ours), str(HERE / name)])
        for _, case, expected in group:
            ours.send([json.dumps(case) + "\n"])
            result = ours.receive(1)[0]
            if not same(result, expected):
                differences += 1
                print(json.dumps([name, case]), f"\n  ours     {json.dumps(result)}\n  expected {json.dumps(expected)}")
        ours.close()
        print(f"{name}: {len(group)} cases")
    print(f"{len(sample)} cases, {differences} differences")
    return 1 if differences or not sample else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference")
    parser.add_argument("--ours", default=ROOT / "build/release/bin/tokenize_lines")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--show", type=int, default=3)
    parser.add_argument("--only", action="append")
    parser.add_argument("--sweep", action="store_true")
    parser.add_argument("--sample")
    parser.add_argument("--check")
    parser.add_argument("directories", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.check:
        return check_sample(arguments)
    if not arguments.reference:
        parser.error("--reference is needed")
    directories = arguments.directories or sorted(path.parent for path in HERE.rglob("tokenizer.json"))
    directories = [d for d in directories if not arguments.only or d.name in arguments.only]
    if arguments.sample:
        return write_sample(directories, arguments)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        return 1 if sum(pool.map(lambda directory: compare(directory, arguments), directories)) else 0


if __name__ == "__main__":
    sys.exit(main())
