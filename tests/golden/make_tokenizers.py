#!/usr/bin/env python3
"""Makes small tokenizers of every kind, for what the checkpoints beside this file do not have.

Run by a Python with tokenizers and sentencepiece: make_tokenizers.py OUT writes OUT/<name>/tokenizer.json, and beside OUT, in
tokenizer_files, tokenizers that are only a SentencePiece model, with what the library makes of some texts. (Training does not
give the same vocabulary each time.) fuzz_tokenizers.py compares those with a tokenizer.json with the library itself.
"""
import json
import os
import sys
import tempfile

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from corpus import SENT, TRICKY

TEXTS = SENT * 20
N, P, D = normalizers, pre_tokenizers, decoders
LLAMA = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
DEEPSEEK = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
            r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
CLIP = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def train_sentence_piece(**options):
    """A SentencePiece model with a table of replacements as SentencePiece compiles it: some rules of NFKC and of its own, few enough to be kept."""
    import sentencepiece as spm
    rules = {"\u0001": "", "\t": " ", "\n": " ", "\u00a0": " ", "\u3000": " ", "\u200b": "", "\ufeff": "", "\u2028": " ",
             "\r\n": " ", "ﬁ": "fi", "ﬀ": "ff", "№": "No", "½": "1⁄2", "①": "1", "Ⅷ": "VIII", "ﷺ": "صلى الله عليه وسلم",
             "e\u0301": "é", "E\u0301": "É", "o\u0308": "ö", "A\u030a": "Å", "…": "...", "“": '"', "”": '"', "’": "'", "ß": "ss",
             "Ａ": "A", "Ｂ": "B", "Ｃ": "C", "ｱ": "ア", "カ\u3099": "ガ", "㍿": "株式会社", "가\u11a8": "각"}
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/rules.tsv", "w", encoding="utf-8") as out:
            for old, new in rules.items():
                out.write(" ".join("%X" % ord(c) for c in old) + "\t" + " ".join("%X" % ord(c) for c in new) + "\n")
        with open(folder + "/text", "w", encoding="utf-8") as out:
            out.write("\n".join(TEXTS))
        options = {"vocab_size": 400, "hard_vocab_limit": False, "character_coverage": 0.98, "minloglevel": 2, **options}
        spm.SentencePieceTrainer.train(input=folder + "/text", model_prefix=folder + "/m",
                                       normalization_rule_tsv=folder + "/rules.tsv", **options)
        with open(folder + "/m.model", "rb") as model:
            return model.read()


def charsmap():
    # normalizer_spec (field 3 of the model) has the table as its field 2.
    return field(field(train_sentence_piece(), 3), 2)


def field(data, number):
    """The bytes of the first field `number` in a serialized message."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(data):
        key = varint()
        if key & 7 == 2:
            size = varint()
            if key >> 3 == number:
                return data[at:at + size]
            at += size
        elif key & 7 == 0:
            varint()
        else:
            at += 4 if key & 7 == 5 else 8
    raise KeyError(number)


def precompiled():
    return N.Precompiled(charsmap())


def train_unigram(t, vocab, special, unk="<unk>"):
    t.train_from_iterator(TEXTS, trainers.UnigramTrainer(vocab_size=vocab, show_progress=False, special_tokens=special, unk_token=unk))


def train_bpe(t, vocab, special, texts=TEXTS, **options):
    t.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=vocab, show_progress=False, special_tokens=special, **options))


def bytes_alphabet():
    return P.ByteLevel.alphabet()


def xlmr():
    t = Tokenizer(models.Unigram())
    t.normalizer = N.Sequence([precompiled(), N.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer = P.Sequence([P.WhitespaceSplit(), P.Metaspace(prepend_scheme="always")])
    train_unigram(t, 500, ["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    t.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>",
                                                     special_tokens=[("<s>", 0), ("</s>", 2)])
    t.decoder = D.Metaspace(prepend_scheme="always")
    t.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    return t


def albert():
    t = Tokenizer(models.Unigram())
    t.normalizer = N.Sequence([N.Replace("``", '"'), N.Replace("''", '"'), N.NFKD(), N.StripAccents(), N.Lowercase(),
                               precompiled(), N.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer = P.Metaspace(prepend_scheme="first")
    train_unigram(t, 400, ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"])
    t.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
                                                     special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    t.decoder = D.Metaspace(prepend_scheme="first")
    t.add_special_tokens([AddedToken("[MASK]", lstrip=True, rstrip=False, normalized=False, special=True)])
    return t


def deberta_v3():
    t = Tokenizer(models.Unigram())
    t.normalizer = N.Sequence([N.Strip(left=True, right=True), precompiled(), N.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer = P.Sequence([P.Punctuation(), P.Metaspace(prepend_scheme="first", split=False)])
    train_unigram(t, 400, ["[PAD]", "[CLS]", "[SEP]", "[UNK]"], unk="[UNK]")
    t.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
                                                     special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    t.decoder = D.Metaspace(prepend_scheme="first")
    t.add_special_tokens([AddedToken("[UNK]", normalized=True, special=True), AddedToken("[MASK]", normalized=False, special=True)])
    return t


def camembert():
    t = Tokenizer(models.Unigram())
    t.normalizer = N.Sequence([N.Nmt(), N.NFKC(), N.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer = P.Sequence([P.WhitespaceSplit(), P.Metaspace()])
    special = ["<s>", "</s>", "<unk>"] + ["<0x%02X>" % i for i in range(256)]
    train_unigram(t, 700, special)
    raw = json.loads(t.to_str())
    raw["model"]["byte_fallback"] = True
    raw["added_tokens"] = raw["added_tokens"][:3]
    t = Tokenizer.from_str(json.dumps(raw))
    t.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0), trim_offsets=True, add_prefix_space=True)
    t.decoder = D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)])
    t.add_tokens([AddedToken("école", single_word=True), AddedToken("NOTUSED", lstrip=True, rstrip=True)])
    return t


def llama2(fallback=True):
    t = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=fallback, fuse_unk=fallback))
    t.normalizer = N.Sequence([N.Prepend("▁"), N.Replace(" ", "▁")])
    special = ["<unk>", "<s>", "</s>"]
    train_bpe(t, 700 if fallback else 450, special + (["<0x%02X>" % i for i in range(256)] if fallback else []),
              [s.replace(" ", "▁") for s in TEXTS], limit_alphabet=90, max_token_length=14)
    raw = json.loads(t.to_str())
    raw["added_tokens"] = [dict(a, normalized=False) for a in raw["added_tokens"][:3]]
    t = Tokenizer.from_str(json.dumps(raw))
    t.decoder = D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)])
    t.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    t.add_tokens([AddedToken("<|im_start|>", normalized=True), AddedToken("love", single_word=True, normalized=True),
                  AddedToken("</sep>", lstrip=True, rstrip=True, normalized=False)])
    return t


def roberta_prefix():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = P.ByteLevel(add_prefix_space=True)
    train_bpe(t, 600, ["<s>", "<pad>", "</s>", "<unk>"], initial_alphabet=bytes_alphabet())
    t.decoder = D.ByteLevel()
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=True)
    t.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    t.add_tokens([AddedToken("cat", single_word=True), AddedToken("<r>", rstrip=True), AddedToken("ôté", lstrip=True, rstrip=True)])
    return t


def modernbert():
    t = Tokenizer(models.BPE())
    t.normalizer = N.NFC()
    t.pre_tokenizer = P.ByteLevel(add_prefix_space=False)
    train_bpe(t, 600, ["<|padding|>", "<|endoftext|>"], initial_alphabet=bytes_alphabet())
    t.decoder = D.ByteLevel()
    t.add_tokens([AddedToken("|||IP_ADDRESS|||", normalized=True)] + [AddedToken(" " * n, normalized=True) for n in range(24, 1, -1)])
    t.add_special_tokens(["[UNK]", "[CLS]", "[SEP]", "[PAD]", AddedToken("[MASK]", lstrip=True, special=True)])
    cls, sep = t.token_to_id("[CLS]"), t.token_to_id("[SEP]")
    t.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]",
                                                     special_tokens=[("[CLS]", cls), ("[SEP]", sep)])
    return t


def clip():
    t = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"))
    t.normalizer = N.Sequence([N.NFC(), N.Replace(Regex(r"\s+"), " "), N.Lowercase()])
    t.pre_tokenizer = P.Sequence([P.Split(Regex(CLIP), behavior="removed", invert=True), P.ByteLevel(add_prefix_space=False, use_regex=False)])
    train_bpe(t, 700, ["<|startoftext|>", "<|endoftext|>"], initial_alphabet=bytes_alphabet(), end_of_word_suffix="</w>")
    t.decoder = D.Sequence([D.ByteLevel(), D.Replace("</w>", " ")])
    t.post_processor = processors.RobertaProcessing(("<|endoftext|>", 1), ("<|startoftext|>", 0), trim_offsets=False, add_prefix_space=False)
    return t


def openai_gpt():
    t = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    t.normalizer = N.BertNormalizer(lowercase=True)
    t.pre_tokenizer = P.BertPreTokenizer()
    train_bpe(t, 500, ["<unk>"], end_of_word_suffix="</w>")
    t.decoder = D.BPEDecoder(suffix="</w>")
    raw = json.loads(t.to_str())
    raw["model"]["merges"] = [" ".join(m) for m in raw["model"]["merges"]]
    return Tokenizer.from_str(json.dumps(raw)), raw


def continuing_bpe():
    t = Tokenizer(models.BPE(unk_token="[UNK]", continuing_subword_prefix="##", fuse_unk=False))
    t.normalizer = N.Sequence([N.NFD(), N.StripAccents(), N.Lowercase()])
    t.pre_tokenizer = P.Whitespace()
    train_bpe(t, 600, ["[UNK]"], continuing_subword_prefix="##", limit_alphabet=120)
    t.decoder = D.WordPiece(prefix="##", cleanup=True)
    return t


def split_bpe(pattern, **more):
    t = Tokenizer(models.BPE(ignore_merges=bool(more)))
    t.normalizer = N.NFC()
    t.pre_tokenizer = P.Sequence([P.Split(Regex(pattern), behavior="isolated", invert=False), P.ByteLevel(add_prefix_space=False, use_regex=False)])
    train_bpe(t, 600, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], initial_alphabet=bytes_alphabet())
    t.decoder = D.ByteLevel()
    t.post_processor = processors.ByteLevel(trim_offsets=bool(more), add_prefix_space=False)
    return t


def deepseek():
    t = Tokenizer(models.BPE())
    t.normalizer = N.Sequence([])
    t.pre_tokenizer = P.Sequence([
        P.Split(Regex(r"\p{N}{1,3}"), behavior="isolated"), P.Split(Regex("[一-龥\u3040-ゟ゠-ヿ]+"), behavior="isolated"),
        P.Split(Regex(DEEPSEEK), behavior="isolated"), P.ByteLevel(add_prefix_space=False, use_regex=False)])
    train_bpe(t, 600, ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"], initial_alphabet=bytes_alphabet())
    t.decoder = D.ByteLevel()
    t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True), processors.TemplateProcessing(
        single="<｜begin▁of▁sentence｜> $A", pair="<｜begin▁of▁sentence｜> $A <｜begin▁of▁sentence｜>:1 $B:1",
        special_tokens=[("<｜begin▁of▁sentence｜>", 0)])])
    return t


def word_level():
    t = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    t.normalizer = N.Sequence([N.NFKD(), N.Lowercase(), N.Strip(left=False, right=True)])
    t.pre_tokenizer = P.Sequence([P.WhitespaceSplit(), P.Digits(individual_digits=True), P.Punctuation(behavior="contiguous")])
    t.train_from_iterator(TEXTS, trainers.WordLevelTrainer(vocab_size=300, show_progress=False, special_tokens=["[UNK]", "[BOS]"]))
    t.post_processor = processors.BertProcessing(("[BOS]", 1), ("[UNK]", 0))
    return t


def splits():
    t = Tokenizer(models.BPE(unk_token="?"))
    t.normalizer = N.Replace(Regex(r"(?<=\w)-(?=\w)"), "‐")
    t.pre_tokenizer = P.Sequence([
        P.CharDelimiterSplit("|"), P.Split(",", behavior="merged_with_previous"), P.Split(Regex(r"[.!?]+"), behavior="merged_with_next"),
        P.Split(Regex(r"\d{2,}"), behavior="contiguous"), P.Split(Regex(r"\s"), behavior="removed"), P.Digits(individual_digits=False),
        P.Split(Regex(r"[[:upper:]]\w*\b"), behavior="merged_with_previous", invert=True), P.Punctuation(behavior="merged_with_next")])
    train_bpe(t, 500, ["?"], limit_alphabet=150)
    t.decoder = D.Sequence([D.Replace(Regex("a+"), "A"), D.Fuse()])
    return t


def byte_normalizer():
    t = Tokenizer(models.BPE())
    t.normalizer = N.Sequence([N.Nmt(), N.NFKC(), N.ByteLevel()])
    t.pre_tokenizer = P.Split("Ġ", behavior="merged_with_next")
    train_bpe(t, 500, ["<pad>", "|"], initial_alphabet=bytes_alphabet())
    t.decoder = D.Sequence([D.CTC(), D.ByteLevel()])
    t.post_processor = processors.ByteLevel(trim_offsets=True, add_prefix_space=True)
    return t


ALL = {"xlmr": xlmr, "albert": albert, "deberta-v3": deberta_v3, "camembert": camembert, "llama2": llama2,
       "llama2-unk": lambda: llama2(fallback=False), "roberta-prefix": roberta_prefix, "modernbert": modernbert, "clip": clip,
       "openai-gpt": openai_gpt, "continuing-bpe": continuing_bpe, "qwen2": lambda: split_bpe(QWEN2), "o200k": lambda: split_bpe(O200K, trim=True),
       "deepseek": deepseek, "word-level": word_level, "splits": splits, "byte-normalizer": byte_normalizer}


# What a tokenizer is that has nothing but a SentencePiece model: where the model's ids are, and what surrounds a text.
# class -> (file, options of the training, ids of the pieces, ids around one text, ids around a pair, type of the second text)
def fairseq(size):
    return [3, 0, 2] + [i + 1 for i in range(3, size)]


SENTENCE_PIECE = {
    "T5Tokenizer": ("spiece.model", dict(pad_id=0, eos_id=1, unk_id=2, bos_id=-1), range, ([], [1]), ([], [1], [1]), 0),
    "XLMRobertaTokenizer": ("sentencepiece.bpe.model", {}, fairseq, ([0], [2]), ([0], [2, 2], [2]), 0),
    "CamembertTokenizer": ("sentencepiece.bpe.model", {}, lambda n: [3] + [i + 4 for i in range(1, n)], ([5], [6]), ([5], [6, 6], [6]), 0),
    "DebertaV2Tokenizer": ("spm.model", dict(pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]", bos_piece="[CLS]", eos_piece="[SEP]",
                                             unk_piece="[UNK]", model_type="bpe", byte_fallback=True, vocab_size=700), range,
                           ([1], [2]), ([1], [2], [2]), 1)}


def sentence_piece(out, name):
    import sentencepiece as spm
    file, options, ids_of, single, around, pair_type = SENTENCE_PIECE[name]
    data = train_sentence_piece(**options)
    processor = spm.SentencePieceProcessor(model_proto=data)
    ids = list(ids_of(processor.get_piece_size()))

    def encode(text):
        pieces = processor.encode(text, return_type="proto").pieces
        return [ids[p.id] for p in pieces], [at for p in pieces for at in (p.begin, p.end)]
    # What is a special token in the text is not this test's matter.
    texts = [text for text in TRICKY if "[CLS]" not in text]
    cases = []
    for text, pair in zip(texts, texts[1:] + texts[:1]):
        (a, places), (b, _) = encode(text), encode(pair)
        cases.append(dict(text=text, pair=pair, ids=single[0] + a + single[1], offsets=places,
                          pair_ids=around[0] + a + around[1] + b + around[2],
                          pair_types=[0] * len(around[0] + a + around[1]) + [pair_type] * len(b + around[2]),
                          decoded=processor.decode(processor.encode(text))))
    os.makedirs(out, exist_ok=True)
    with open(f"{out}/{file}", "wb") as f:
        f.write(data)
    for path, value in (("tokenizer_config.json", dict(tokenizer_class=name)), ("cases.json", cases)):
        with open(f"{out}/{path}", "w", encoding="utf-8") as f:
            json.dump(value, f, ensure_ascii=False, separators=(",", ":"))


def main(out):
    for name in SENTENCE_PIECE:
        sentence_piece(f"{out}/../tokenizer_files/{name}", name)
    for name, make in ALL.items():
        made = make()
        # One of them keeps the older spelling of merges, which the library itself no longer writes.
        raw = made[1] if isinstance(made, tuple) else json.loads(made.to_str())
        os.makedirs(f"{out}/{name}", exist_ok=True)
        with open(f"{out}/{name}/tokenizer.json", "w", encoding="utf-8") as f:
            json.dump(raw, f, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    main(*sys.argv[1:])
