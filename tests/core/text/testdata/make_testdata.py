"""Makes the files beside it with huggingface/tokenizers 0.23.1: make_testdata.py BASE OUT.

BASE is tests/golden/bert-classify/tokenizer.json, OUT this directory.

bert_unicode.json      what BertNormalizer and BertPreTokenizer do with each code point, as ranges
word_piece_cases.json  texts and pairs through variants of BASE; a variant is a JSON merge patch
                       (RFC 7386); offsets are in bytes of UTF-8
"""
import copy
import json
import random
import sys

from tokenizers import Tokenizer, normalizers, pre_tokenizers


def ranges(holds):
    """[[first, last], ...] of the code points for which it holds; surrogates are no characters."""
    out = []
    for c in range(0x110000):
        if 0xD800 <= c < 0xE000 or not holds(chr(c)):
            continue
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def unicode_tables():
    def bert(**on):
        flags = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
        return normalizers.BertNormalizer(**{**flags, **on}).normalize_str

    clean, chinese, strip = bert(clean_text=True), bert(handle_chinese_chars=True), bert(strip_accents=True)
    words = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    return {
        "dropped": ranges(lambda c: clean(c) == ""),
        "space": ranges(lambda c: clean(c) == " "),
        "chinese": ranges(lambda c: chinese(c) != c),
        "nonspacing_mark": ranges(lambda c: strip(c) == ""),
        "separator": ranges(lambda c: len(words("a%sb" % c)) == 2),
        "punctuation": ranges(lambda c: len(words("a%sb" % c)) == 3),
    }


def added(id, content, **flags):
    return dict(dict(id=id, content=content, single_word=False, lstrip=False, rstrip=False,
                     normalized=False, special=False), **flags)


def variants(base):
    n = len(base["model"]["vocab"])
    more = base["added_tokens"] + [
        added(n, "<ls>", lstrip=True), added(n + 1, "<rs>", rstrip=True),
        added(n + 2, "word", single_word=True), added(n + 3, "<both>", lstrip=True, rstrip=True, special=True),
        added(n + 4, "<lsx>", lstrip=True, normalized=True), added(n + 5, "<ls><rs>"), added(n + 6, " sp "),
        added(n + 7, "my cat", normalized=True, single_word=True), added(n + 8, "naïve", single_word=True),
    ]
    yield "as it is", {}
    for clean in (True, False):
        for chinese in (True, False):
            yield "clean %s, chinese %s" % (clean, chinese), {"normalizer": {
                "clean_text": clean, "handle_chinese_chars": chinese, "strip_accents": not clean, "lowercase": False}}
    yield "lower case with accents", {"normalizer": {"strip_accents": False}}
    yield "added tokens", {"added_tokens": more}
    yield "added tokens without normalizer", {"added_tokens": more, "normalizer": None}
    yield "BertProcessing", {"post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2],
                                                "single": None, "pair": None, "special_tokens": None}}
    yield "only a model", {"normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None}
    yield "short words", {"model": {"max_input_chars_per_word": 4}}
    yield "no prefix, no clean-up", {"model": {"continuing_subword_prefix": ""}, "decoder": {"prefix": "", "cleanup": False}}
    yield "another template", {"post_processor": {
        "special_tokens": {"[SEP]": {"id": "[SEP]", "ids": [3, 4, 3], "tokens": ["[SEP]", "[MASK]", "[SEP]"]}},
        "pair": [{"Sequence": {"id": "B", "type_id": 3}}, {"SpecialToken": {"id": "[SEP]", "type_id": 5}},
                 {"Sequence": {"id": "A", "type_id": 1}}]}}


def merged(target, patch):
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    out = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merged(out.get(key), value)
    return out


PIECES = """I love my cat , but hates me . don't École école naïve word words Cat cat. my*cat 你好 世界 한국어 Ünïcödé ﬁ İstanbul
ΣΑΣ Straße <ls> <rs> <both> <lsx> <ls><rs> [MASK] [SEP] [CLS] [UNK] 👍🏽 👨‍👩‍👧 🇫🇷 ( ! 's un##ing — “quote” $ ½ № Ⅷ ＡＢ ##s""".split() + [
    "my cat", " sp ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u2028", "\u200b", "\x00", "\x07", "\ufffd", "\u00ad",
    "e\u0301", "e\u0323\u0301", "\u0301", "x" * 100, "x" * 101, "é" * 100, "é" * 101, "\uac01", "\ue000", "\u0958", "\u166d", "\u2e55"]


def random_text(rng):
    return "".join(rng.choice(PIECES) + rng.choice(["", " ", " "]) for _ in range(rng.randint(0, 12)))


def run(tokenizer, rng):
    text, pair = random_text(rng), random_text(rng) if rng.random() < 0.5 else None
    special = rng.random() < 0.75
    added_tokens = tokenizer.num_special_tokens_to_add(pair is not None) if special else 0
    max_length = 0
    tokenizer.no_truncation()
    if rng.random() < 0.5:
        max_length = rng.randint(max(added_tokens, 1), 20)
        tokenizer.enable_truncation(max_length, strategy="longest_first")
    e = tokenizer.encode(text, pair, add_special_tokens=special)
    sequence = [-1 if s is None else s for s in e.sequence_ids]
    texts = {-1: "", 0: text, 1: pair}
    offsets = [[len(texts[s][:end].encode()) for end in o] for s, o in zip(sequence, e.offsets)]
    case = dict(text=text, add_special_tokens=special, max_length=max_length, ids=e.ids, type_ids=e.type_ids,
                sequence=sequence, offsets=offsets, decoded=tokenizer.decode(e.ids, skip_special_tokens=True))
    return case if pair is None else dict(case, pair=pair)


def main(base_path, out):
    with open(base_path, encoding="utf-8") as f:
        base = json.load(f)
    with open(out + "/bert_unicode.json", "w") as f:
        f.write("{\n" + ",\n".join('"%s": %s' % (k, json.dumps(v, separators=(",", ":")))
                                   for k, v in unicode_tables().items()) + "\n}\n")
    rng, groups = random.Random(20240601), []
    for name, patch in variants(base):
        tokenizer = Tokenizer.from_str(json.dumps(merged(base, patch)))
        groups.append(json.dumps(dict(name=name, patch=patch, cases=[run(tokenizer, rng) for _ in range(40)]),
                                 separators=(",", ":")))
    with open(out + "/word_piece_cases.json", "w") as f:
        f.write("[\n" + ",\n".join(groups) + "\n]\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
