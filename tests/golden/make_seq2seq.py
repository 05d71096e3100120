#!/usr/bin/env python3
"""Builds the golden data of the encoder-decoder families that make_golden.py has none of: tiny checkpoints with random weights,
and what PyTorch and transformers (float32, eager attention) compute from them.

Usage: make_seq2seq.py OUT_DIR [NAME...]
       make_seq2seq.py OUT_DIR demo-translate MODEL_DIR   writes demo_translate.json from the bundled checkpoint
       make_seq2seq.py OUT_DIR demo-caption MODEL_DIR     writes demo_caption/ from the bundled checkpoint

Folders are laid out as make_golden.py's. In addition a case may have
  source_lang, target_lang, first_target_token   of multilingual models
  options, sequences   generation options by transformers' names, and all that was returned: ids (with the token that the
                       decoder starts with), score, text
What rounding could turn out otherwise is left out: a result stays that is the same with weights changed by 1e-5 of themselves.
"""
import json
import os
import shutil
import sys

import numpy as np
import torch
import transformers as tf
from make_golden import bytelevel, greedy_margin_ok, rescale, spm_train, test_images, write, wordpiece

from corpus import SENT, TRICKY, corpus

SEED = 5000
FORCED = [5, 9, 33, 7]
# What requests and checkpoints may ask for, several at a time.
OPTIONS = [
    dict(num_beams=3, length_penalty=2.0, max_new_tokens=14, num_return_sequences=3),
    dict(num_beams=4, length_penalty=-1.0, early_stopping=True, max_new_tokens=16, num_return_sequences=2),
    dict(num_beams=2, length_penalty=0.5, early_stopping="never", max_new_tokens=18, min_new_tokens=6),
    dict(num_beams=1, no_repeat_ngram_size=2, max_new_tokens=20),
    dict(num_beams=4, no_repeat_ngram_size=3, repetition_penalty=1.3, max_new_tokens=15),
    dict(num_beams=1, repetition_penalty=1.8, min_new_tokens=10, max_new_tokens=17),
    dict(num_beams=3, bad_words_ids=[[40], [41, 42], [50]], suppress_tokens=[60, 61, 62], begin_suppress_tokens=[30, 31, 32],
         max_new_tokens=12),
    dict(num_beams=2, forced_eos_token_id=2, max_new_tokens=8, num_return_sequences=2),
]


def enliven(model, layers, table, positions=4.0):
    """What make_golden's rescale() makes repeats one token for ever, since tied tables let it through: less of the token, more of
    where it stands and of what the layers do."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() < 2 or "vision" in name:
                continue
            is_table = any(part in name for part in ("embed", "shared", "predictions.decoder"))
            parameter.mul_(layers if not is_table else positions if "position" in name else table)


def perturbed(model, seed):
    generator = torch.Generator().manual_seed(seed)
    copy = type(model)(model.config)
    copy.load_state_dict(model.state_dict())
    with torch.no_grad():
        for parameter in copy.parameters():
            parameter.mul_(1 + 1e-5 * torch.randn(parameter.shape, generator=generator))
    copy.generation_config = model.generation_config
    return copy.float().eval()


class Family:
    """One folder: a model, its tokenizer and its cases."""

    def __init__(self, out, name, model, tokenizer, kind):
        self.out, self.name, self.kind = out, name, kind
        self.directory = os.path.join(out, name)
        self.model, self.tokenizer = model, tokenizer
        self.others = [perturbed(model, seed) for seed in range(3)]
        self.cases, self.expected, self.tokenize = [], {}, []

    def text_of(self, ids):
        return self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)

    def generate(self, model, inputs, options):
        with torch.no_grad():
            return model.generate(**inputs, do_sample=False, return_dict_in_generate=True, output_scores=True, **options)

    def is_stable(self, inputs, options, sequences):
        return all(torch.equal(self.generate(m, inputs, options).sequences, sequences) for m in self.others)

    def encoder_states(self, inputs):
        return self.model.get_encoder()(**inputs).last_hidden_state[0]

    def forced(self, inputs, ids):
        return self.model(**inputs, decoder_input_ids=torch.tensor([ids]), output_attentions=True)

    def add(self, meta, inputs, start, more=None, new_tokens=16, pixels=None):
        """A case of greedy and beam search; `more` options go to both."""
        more = more or {}
        name = f"gen{len(self.cases)}"
        case = dict(meta, name=name, max_new_tokens=new_tokens)
        if "input_ids" in inputs:
            case["input_ids"] = inputs["input_ids"][0].tolist()
        if "forced_bos_token_id" in more:
            case["first_target_token"] = more["forced_bos_token_id"]
        greedy = dict(more, num_beams=1, max_new_tokens=new_tokens)
        g = self.generate(self.model, inputs, greedy)
        if greedy_margin_ok(g.scores) and self.is_stable(inputs, greedy, g.sequences):
            case["greedy_ids"] = g.sequences[0].tolist()
            case["greedy_text"] = self.text_of(case["greedy_ids"])
        beam = dict(more, num_beams=4, num_return_sequences=4, max_new_tokens=new_tokens, length_penalty=1.0, early_stopping=False)
        g = self.generate(self.model, inputs, beam)
        gap = (g.sequences_scores[0] - g.sequences_scores[1]).abs().item()
        # A token of padding in the middle, which no trained model writes, takes no place in the reference's positions.
        inner = g.sequences[0].tolist()[1:]
        pad = self.model.generation_config.pad_token_id
        if gap > 1e-3 and pad not in inner[:-1] and all(torch.equal(self.generate(m, inputs, beam).sequences[0], g.sequences[0]) for m in self.others):
            case["beam4"] = {"ids": g.sequences[0].tolist(), "score": g.sequences_scores[0].item(), "gap_to_second": gap,
                             "text": self.text_of(g.sequences[0])}
        case["forced_decoder_ids"] = [start] + FORCED
        with torch.no_grad():
            self.expected[f"{name}.encoder_last_hidden_state"] = self.encoder_states(inputs)
            forced = self.forced(inputs, case["forced_decoder_ids"])
        self.expected[f"{name}.forced_logits"] = forced.logits[0]
        if forced.cross_attentions:
            self.expected[f"{name}.cross_attentions"] = torch.stack([a[0] for a in forced.cross_attentions])
        if pixels is not None:
            self.expected[f"{name}.pixel_values"] = pixels
        self.cases.append(case)

    def add_options(self, meta, inputs, options, more=None):
        options = {**options, "num_return_sequences": options.get("num_return_sequences", 1)}
        both = {**(more or {}), **options}
        g = self.generate(self.model, inputs, both)
        if options["num_beams"] > 1:
            scores = g.sequences_scores.tolist()
            stable = all(b - a < -1e-3 for a, b in zip(scores, scores[1:])) and self.is_stable(inputs, both, g.sequences)
        else:
            scores = [None]
            stable = greedy_margin_ok(g.scores) and self.is_stable(inputs, both, g.sequences)
        if not stable:
            return
        case = dict(meta, name=f"options{len(self.cases)}", options=options)
        if "input_ids" in inputs:
            case["input_ids"] = inputs["input_ids"][0].tolist()
        if "forced_bos_token_id" in (more or {}):
            case["first_target_token"] = more["forced_bos_token_id"]
        pad = self.model.generation_config.pad_token_id
        sequences = []
        for ids, score in zip(g.sequences.tolist(), scores):
            while len(ids) > 1 and ids[-1] == pad:  # what a batch's shorter sequences are filled with
                ids.pop()
            sequences.append({"ids": ids, "text": self.text_of(ids), **({"score": score} if score is not None else {})})
        case["sequences"] = sequences
        self.cases.append(case)

    def write(self):
        write(self.out, self.name, {"kind": self.kind, "tolerance": 2e-4, "pixel_tolerance": 0.02, "tokenize": self.tokenize,
                                    "cases": self.cases}, self.expected)
        size = sum(os.path.getsize(os.path.join(r, f)) for r, _, fs in os.walk(self.directory) for f in fs)
        greedy = sum("greedy_ids" in c for c in self.cases)
        beams = sum("beam4" in c for c in self.cases)
        options = sum("options" in c for c in self.cases)
        texts = [c["greedy_ids"][1:] for c in self.cases if "greedy_ids" in c] + [c["beam4"]["ids"][1:] for c in self.cases if "beam4" in c]
        varied = sum(len(set(ids)) / max(1, len(ids)) for ids in texts) / max(1, len(texts))
        print(f"{self.name}: {size >> 10} KiB, {greedy} greedy, {beams} of beams, {options} with options; {varied:.0%} of the "
              "tokens of a text are different", flush=True)


def build(out, name, config, cls, tokenizer, seed, kind="translate", gain=0.9, strength=(3.0, 0.25), generation=None, prepare=None):
    """A saved checkpoint, as it is when it is loaded again."""
    config._attn_implementation = "eager"
    torch.manual_seed(seed)
    model = rescale(cls(config), gain, seed)
    enliven(model, *strength)
    if prepare is not None:
        prepare(model)
    model.config._attn_implementation = "eager"
    directory = os.path.join(out, name)
    shutil.rmtree(directory, ignore_errors=True)
    if generation is not None:
        model.generation_config = tf.GenerationConfig(**generation)
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    # The cases say what they ask for; the file is what a server starts from.
    keep = {k: v for k, v in (generation or {}).items() if k.endswith("token_id") and k != "forced_bos_token_id"}
    model.generation_config = tf.GenerationConfig(**keep)
    return Family(out, name, model, tokenizer, kind)


def add_all(family, texts, start, tokens, languages=(None,), set_source=None, target_id=None, options=OPTIONS):
    """Cases of `texts` in turn from and into `languages`."""
    def prepare(text, i):
        meta, more = {"text": text}, {}
        if languages[0] is not None:
            source, target = languages[i % len(languages)]
            set_source(source)
            meta.update(source_lang=source, target_lang=target)
            more["forced_bos_token_id"] = target_id(target)
        return meta, dict(family.tokenizer(text, return_tensors="pt")), more
    for i, text in enumerate(texts):
        meta, inputs, more = prepare(text, i)
        family.add(meta, inputs, start, more)
    for i, option in enumerate(options):
        meta, inputs, more = prepare(texts[i % len(texts)], i)
        family.add_options(meta, inputs, option, more)
    for i, text in enumerate(TRICKY):
        meta, _, _ = prepare(text, i)
        meta.pop("target_lang", None)
        family.tokenize.append(dict(meta, input_ids=family.tokenizer(text, truncation=True)["input_ids"]))
    family.write()


TEXTS = [SENT[0], SENT[5], "a", SENT[8]]


# ---------------------------------------------------------------- BART
def bart(out, name, seed, sizes, generation, vocab, texts):
    tok = bytelevel(vocab, roberta=True)
    tok.model_input_names = ["input_ids", "attention_mask"]
    config = tf.BartConfig(vocab_size=len(tok), max_position_embeddings=128, pad_token_id=1, bos_token_id=0, eos_token_id=2,
                           decoder_start_token_id=2, forced_eos_token_id=2, **sizes)
    def bias(model):
        with torch.no_grad():
            model.final_logits_bias.copy_(torch.randn(model.final_logits_bias.shape, generator=torch.Generator().manual_seed(seed)) * 0.2)
    family = build(out, name, config, tf.BartForConditionalGeneration, tok, seed, prepare=bias, strength=(4.0, 0.15), generation=dict(
        pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2, forced_eos_token_id=2, **generation))
    add_all(family, texts, 2, vocab)


# ---------------------------------------------------------------- tokenizers with languages
def small_pieces(vocab, directory, **options):
    """A SentencePiece model that leaves texts as they are: with tables of Unicode it would be 240 KB."""
    import sentencepiece as spm
    prefix = os.path.join(directory, "small")
    spm_train(prefix, corpus()[:420], vocab, normalization_rule_name="identity", **options)
    return prefix + ".model", spm.SentencePieceProcessor(model_file=prefix + ".model")


def mbart_tokenizer(cls, vocab, directory, **options):
    path, sp = small_pieces(vocab, directory)
    from transformers.models.mbart50 import tokenization_mbart50
    from transformers.models.mbart import tokenization_mbart
    codes = (tokenization_mbart if cls is tf.MBartTokenizer else tokenization_mbart50).FAIRSEQ_LANGUAGE_CODES
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    pieces += [(sp.id_to_piece(i), sp.get_score(i)) for i in range(3, sp.get_piece_size())]
    pieces += [(code, 0.0) for code in codes] + [("<mask>", 0.0)]
    return path, cls(vocab=pieces, model_max_length=128, **options)


def mbart(out, name, seed, cls, sizes, vocab, texts, languages, generation):
    scratch = os.path.join(out, "scratch")
    os.makedirs(scratch, exist_ok=True)
    path, tok = mbart_tokenizer(cls, vocab, scratch, src_lang=languages[0][0], tgt_lang=languages[0][1])
    config = tf.MBartConfig(vocab_size=len(tok), max_position_embeddings=128, pad_token_id=1, bos_token_id=0, eos_token_id=2,
                            decoder_start_token_id=2, forced_eos_token_id=2, **sizes)
    family = build(out, name, config, tf.MBartForConditionalGeneration, tok, seed, generation=dict(
        pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2, forced_eos_token_id=2, **generation))
    shutil.copy(path, os.path.join(family.directory, "sentencepiece.bpe.model"))
    def source(language):
        tok.src_lang = language
    add_all(family, texts, 2, vocab, languages, source, tok.convert_tokens_to_ids)


def m2m100(out, name, seed, sizes, vocab, texts, languages, generation):
    scratch = os.path.join(out, "scratch")
    os.makedirs(scratch, exist_ok=True)
    path, sp = small_pieces(vocab, scratch)
    ids = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
    # In another order than the model's, and without some of its pieces, as in the original.
    for i in range(sp.get_piece_size() - 5, 2, -1):
        ids.setdefault(sp.id_to_piece(i), len(ids))
    with open(os.path.join(scratch, "vocab.json"), "w", encoding="utf-8") as file:
        json.dump(ids, file, ensure_ascii=False)
    tok = tf.M2M100Tokenizer(os.path.join(scratch, "vocab.json"), path, src_lang=languages[0][0], tgt_lang=languages[0][1],
                             model_max_length=128)
    config = tf.M2M100Config(vocab_size=len(ids) + 108, max_position_embeddings=128, pad_token_id=1, bos_token_id=0, eos_token_id=2,
                             decoder_start_token_id=2, **sizes)
    family = build(out, name, config, tf.M2M100ForConditionalGeneration, tok, seed, strength=(4.0, 0.6), generation=dict(
        pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2, **generation))
    # The languages' tokens are special in the published checkpoints.
    special = {"__%s__" % code for code in tok.lang_code_to_token}
    plain = family.text_of
    family.text_of = lambda i: plain([t for t in i if tok.convert_ids_to_tokens(int(t)) not in special])
    def source(language):
        tok.src_lang = language
    add_all(family, texts, 2, vocab, languages, source, tok.get_lang_id)


def nllb(out, name, seed, sizes, vocab, texts, languages, generation):
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    trained.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    trained.train_from_iterator(corpus()[:420], trainers.BpeTrainer(vocab_size=vocab, limit_alphabet=120, show_progress=False,
                                special_tokens=["<s>", "<pad>", "</s>", "<unk>"]))
    model = json.loads(trained.to_str())["model"]
    tok = tf.NllbTokenizer(vocab=model["vocab"], merges=[tuple(m) for m in model["merges"]], src_lang=languages[0][0],
                           tgt_lang=languages[0][1], model_max_length=128)
    config = tf.M2M100Config(vocab_size=len(tok), max_position_embeddings=128, pad_token_id=1, bos_token_id=0, eos_token_id=2,
                             decoder_start_token_id=2, **sizes)
    family = build(out, name, config, tf.M2M100ForConditionalGeneration, tok, seed, strength=(4.0, 0.6), generation=dict(
        pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2, **generation))
    def source(language):
        tok.src_lang = language
    add_all(family, texts, 2, vocab, languages, source, tok.convert_tokens_to_ids)


# ---------------------------------------------------------------- BLIP
class BlipFamily(Family):
    """The decoder is a model of its own, which the reference starts with one token."""

    def encoder_states(self, inputs):
        return self.model.vision_model(**inputs).last_hidden_state[0]

    def forced(self, inputs, ids):
        states = self.model.vision_model(**inputs).last_hidden_state
        mask = torch.ones(states.shape[:2], dtype=torch.long)
        return self.model.text_decoder(input_ids=torch.tensor([ids]), encoder_hidden_states=states, encoder_attention_mask=mask,
                                       output_attentions=True, return_dict=True)


def blip(out, name, seed, vision, text, size):
    from PIL import Image
    tok = wordpiece(300)
    tok.add_special_tokens({"bos_token": "[DEC]"})
    tok.model_input_names = ["input_ids", "attention_mask"]
    tokens = dict(bos_token_id=tok.convert_tokens_to_ids("[DEC]"), pad_token_id=0, eos_token_id=2, sep_token_id=3)
    config = tf.BlipConfig(vision_config=dict(image_size=size, **vision),
                           text_config=dict(vocab_size=len(tok), encoder_hidden_size=vision["hidden_size"],
                                            max_position_embeddings=64, **tokens, **text))
    config._attn_implementation = config.text_config._attn_implementation = config.vision_config._attn_implementation = "eager"
    torch.manual_seed(seed)
    model = rescale(tf.BlipForConditionalGeneration(config), 0.9, seed)
    enliven(model, 3.0, 0.25)
    directory = os.path.join(out, name)
    shutil.rmtree(directory, ignore_errors=True)
    model.save_pretrained(directory)
    tok.save_pretrained(directory)
    processor = getattr(tf, "BlipImageProcessorPil", tf.BlipImageProcessor)(size={"height": size, "width": size})
    processor.save_pretrained(directory)
    family = BlipFamily(out, name, model, tok, "caption")
    for each in [model] + family.others:
        each.text_decoder.generation_config = tf.GenerationConfig()
    model.generation_config.pad_token_id = tokens["pad_token_id"]
    inputs = []
    for file in test_images(directory, size, seed)[:4]:
        image = Image.open(os.path.join(directory, file)).convert("RGB")
        pixels = torch.as_tensor(np.asarray(processor(images=image, return_tensors="np")["pixel_values"]))
        inputs.append((file, pixels))
    for file in sorted(os.listdir(os.path.join(directory, "images")))[4:]:
        os.remove(os.path.join(directory, "images", file))
    for file, pixels in inputs:
        family.add({"image": file}, {"pixel_values": pixels}, tokens["bos_token_id"], pixels=pixels[0])
    for i, option in enumerate(OPTIONS):
        option = {**option, **({"forced_eos_token_id": 3} if "forced_eos_token_id" in option else {})}
        file, pixels = inputs[i % len(inputs)]
        family.add_options({"image": file}, {"pixel_values": pixels}, option)
    family.write()


# ---------------------------------------------------------------- the bundled captioning model
def demo_caption(out, directory):
    """100 pictures that the model has not seen, drawn as its training drew them, and its captions of them."""
    import random
    from PIL import Image
    sys.path.insert(0, os.path.join(directory, "..", "training"))
    import train
    folder = os.path.join(out, "demo_caption")
    os.makedirs(folder, exist_ok=True)
    drawn = random.Random(1001)
    scenes = [train.draw_scene(drawn) for _ in range(100)]
    for i, (picture, _) in enumerate(scenes):
        picture.save(os.path.join(folder, f"{i:02}.png"), optimize=True)
    tok = tf.AutoTokenizer.from_pretrained(directory)
    processor = getattr(tf, "ViTImageProcessorPil", tf.ViTImageProcessor).from_pretrained(directory)
    texts = {}
    for name, dtype in (("f32", torch.float32), ("bf16", torch.bfloat16)):
        model = tf.VisionEncoderDecoderModel.from_pretrained(directory, dtype=dtype, attn_implementation="eager").eval()
        texts[name] = []
        for i in range(len(scenes)):
            picture = Image.open(os.path.join(folder, f"{i:02}.png")).convert("RGB")
            pixels = torch.as_tensor(np.asarray(processor(images=picture, return_tensors="np")["pixel_values"])).to(dtype)
            with torch.no_grad():
                ids = model.generate(pixel_values=pixels, num_beams=1, do_sample=False, max_length=40)
            texts[name].append(tok.decode(ids[0], skip_special_tokens=True))
    with open(os.path.join(folder, "captions.json"), "w", encoding="utf-8") as file:
        json.dump([{"image": f"{i:02}.png", "truth": truth, "f32": a, "bf16": b}
                   for i, ((_, truth), a, b) in enumerate(zip(scenes, texts["f32"], texts["bf16"]))], file, indent=0)


# ---------------------------------------------------------------- the bundled translation model
def demo_translate(out, directory):
    """400 sentences that the model has not seen, drawn as its training drew them, and their translations by 4 beams."""
    import random
    sys.path.insert(0, os.path.join(directory, "..", "training"))
    import text_data
    drawn = random.Random(11)
    seen = {text_data.pair(drawn)[0] for _ in range(200000)}
    drawn = random.Random(5)
    test = [pair for pair in (text_data.pair(drawn) for _ in range(1200)) if pair[0] not in seen][:400]
    tok = tf.AutoTokenizer.from_pretrained(directory)
    texts = {}
    for name, dtype in (("f32", torch.float32), ("bf16", torch.bfloat16)):
        model = tf.MarianMTModel.from_pretrained(directory, dtype=dtype, attn_implementation="eager").eval()
        texts[name] = [None] * len(test)
        by_length = {}  # padding changes what rounding does
        for i, (text, _) in enumerate(test):
            by_length.setdefault(len(tok(text)["input_ids"]), []).append(i)
        for rows in by_length.values():
            with torch.no_grad():
                ids = model.generate(**tok([test[i][0] for i in rows], return_tensors="pt"), num_beams=4, do_sample=False)
            for i, text in zip(rows, tok.batch_decode(ids, skip_special_tokens=True)):
                texts[name][i] = text
    with open(os.path.join(out, "demo_translate.json"), "w", encoding="utf-8") as file:
        json.dump([{"text": text, "truth": truth, "f32": a, "bf16": b}
                   for (text, truth), a, b in zip(test, texts["f32"], texts["bf16"])], file, ensure_ascii=True, indent=0)
    same = sum(a == b for a, b in zip(texts["f32"], texts["bf16"]))
    right = sum(a == truth for a, (_, truth) in zip(texts["f32"], test))
    print(f"{len(test)} sentences: {same} the same in bf16, {right} right")


def sizes(width, encoder_layers, decoder_layers, heads, ffn, **more):
    return dict(d_model=width, encoder_layers=encoder_layers, decoder_layers=decoder_layers, encoder_attention_heads=heads,
                decoder_attention_heads=heads, encoder_ffn_dim=ffn, decoder_ffn_dim=ffn, **more)


EU = [("en_XX", "fr_XX"), ("fr_XX", "de_DE"), ("de_DE", "en_XX")]
FOLDERS = {
    "bart-translate": lambda out, name: bart(out, name, SEED, sizes(48, 2, 2, 4, 96, activation_function="gelu"),
                                             dict(num_beams=4, max_length=24, early_stopping=True, no_repeat_ngram_size=3), 420, TEXTS),
    "bart-small": lambda out, name: bart(out, name, SEED + 1, sizes(40, 3, 1, 2, 72, activation_function="relu", scale_embedding=True),
                                         dict(num_beams=2, max_length=20, min_length=5, length_penalty=2.0), 380,
                                         [SENT[3], SENT[16], "Good."]),
    "mbart-translate": lambda out, name: mbart(out, name, SEED + 2, tf.MBartTokenizer, sizes(48, 2, 2, 4, 96, activation_function="gelu", scale_embedding=True),
                                               330, TEXTS, EU, dict(num_beams=3, max_length=24)),
    "mbart50-translate": lambda out, name: mbart(out, name, SEED + 3, tf.MBart50Tokenizer, sizes(40, 1, 3, 5, 64, activation_function="relu"),
                                                 300, [SENT[1], SENT[9], "Hello!"], EU + [("af_ZA", "sl_SI")], dict(num_beams=5, max_length=30)),
    "m2m100-translate": lambda out, name: m2m100(out, name, SEED + 4, sizes(48, 2, 2, 4, 96, activation_function="relu", scale_embedding=True),
                                                 330, TEXTS, [("en", "fr"), ("fr", "de"), ("zu", "af")], dict(num_beams=5, max_length=26, early_stopping=True)),
    "nllb-translate": lambda out, name: nllb(out, name, SEED + 5, sizes(36, 3, 2, 3, 80, activation_function="relu", scale_embedding=True),
                                             300, [SENT[2], SENT[7], "Yes."], [("eng_Latn", "fra_Latn"), ("fra_Latn", "deu_Latn"), ("zul_Latn", "ace_Arab")],
                                             dict(num_beams=4, max_length=26)),
    "blip-caption": lambda out, name: blip(out, name, SEED + 6, dict(hidden_size=40, num_hidden_layers=2, num_attention_heads=4, intermediate_size=80, patch_size=16),
                                           dict(hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96, projection_dim=48), 48),
    "blip-small": lambda out, name: blip(out, name, SEED + 7, dict(hidden_size=40, num_hidden_layers=3, num_attention_heads=2, intermediate_size=60, patch_size=14),
                                         dict(hidden_size=32, num_hidden_layers=1, num_attention_heads=4, intermediate_size=64, projection_dim=32, hidden_act="gelu"), 42),
}


def main():
    out, names = sys.argv[1], sys.argv[2:]
    if names[:1] == ["demo-translate"]:
        demo_translate(out, names[1])
        return
    if names[:1] == ["demo-caption"]:
        demo_caption(out, names[1])
        return
    for name in names or FOLDERS:
        FOLDERS[name](out, name)
    shutil.rmtree(os.path.join(out, "scratch"), ignore_errors=True)


if __name__ == "__main__":
    main()
