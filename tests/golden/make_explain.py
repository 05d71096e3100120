#!/usr/bin/env python3
"""What explanations should say of the encoder fixtures: attention rollout and the effect of leaving out each word.

Usage: make_explain.py GOLDEN_DIR      with PyTorch and transformers; writes GOLDEN_DIR/explain

Reads the fixtures that make_golden.py made. `rollout` [layers, S, S] is computed in float64 from the attentions in the
fixture, up to each layer (Abnar and Zuidema 2020, arXiv:2005.00928). For each word, as the fast tokenizer numbers words,
the model runs on the remaining tokens alone: `logits` of classifiers, `cosine` with the whole text's mean embedding of
the others.
"""
import json
import os
import sys

from safetensors.torch import load_file, save_file
import torch
import transformers

MODELS = {"bert-classify": transformers.BertForSequenceClassification,
          "distilbert-classify": transformers.DistilBertForSequenceClassification,
          "bert-embed": transformers.BertModel}
CASES = ["text0", "text2", "text4", "text5", "pair0"]


def rollout(attentions):
    """[layers, heads, S, S] to [layers, S, S]."""
    mixing = (attentions.double().mean(dim=1) + torch.eye(attentions.shape[-1], dtype=torch.double)) / 2
    mixing = mixing / mixing.sum(dim=-1, keepdim=True)
    maps = [mixing[0]]
    for layer in mixing[1:]:
        maps.append(layer @ maps[-1])
    return torch.stack(maps).float()


def words_of(encoding):
    """(sequence, word) -> its tokens, in order."""
    words = {}
    for token, (sequence, word) in enumerate(zip(encoding.sequence_ids(0), encoding.word_ids(0))):
        if sequence is not None:
            words.setdefault((sequence, word), []).append(token)
    return words


def run(model, encoding, keep):
    inputs = {name: encoding[name][:, keep] for name in ("input_ids", "attention_mask", "token_type_ids")
              if name in encoding}
    with torch.no_grad():
        output = model(**inputs)
    return output.logits[0] if hasattr(output, "logits") else output.last_hidden_state[0].mean(dim=0)


def explain(model, tokenizer, case):
    texts = [case["text"]] + ([case["pair"]] if "pair" in case else [])
    encoding = tokenizer(*texts, return_tensors="pt", return_offsets_mapping=True, truncation=True,
                         return_token_type_ids="token_type_ids" in case)
    every = list(range(encoding["input_ids"].shape[1]))
    whole = run(model, encoding, every)
    if "logits" in case and not torch.allclose(whole, torch.tensor(case["logits"]), atol=1e-5):
        raise SystemExit(f"{case['name']}: {whole.tolist()} is not what the fixture says: {case['logits']}")
    words = []
    for (sequence, _), tokens in words_of(encoding).items():
        begin = encoding["offset_mapping"][0][tokens[0]][0].item()
        end = encoding["offset_mapping"][0][tokens[-1]][1].item()
        without = run(model, encoding, [token for token in every if token not in tokens])
        entry = {"sequence": sequence, "text": texts[sequence][begin:end], "char_begin": begin, "char_end": end,
                 "byte_begin": len(texts[sequence][:begin].encode()), "byte_end": len(texts[sequence][:end].encode())}
        if hasattr(model, "classifier"):
            entry["logits"] = without.tolist()
        else:
            entry["cosine"] = torch.nn.functional.cosine_similarity(whole.double(), without.double(), dim=0).item()
        words.append(entry)
    return words


def main(golden):
    cases, expected = [], {}
    for name, kind in MODELS.items():
        directory = os.path.join(golden, name)
        model = kind.from_pretrained(directory).float().eval()
        tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
        with open(os.path.join(directory, "cases.json"), encoding="utf-8") as file:
            description = json.load(file)
        arrays = load_file(os.path.join(directory, "expected.safetensors"))
        for case in description["cases"]:
            if case["name"] not in CASES:
                continue
            own = {key: case[key] for key in ("text", "pair", "logits", "scores") if key in case}
            cases.append({"name": f"{name}.{case['name']}", "model": name, "case": case["name"], **own,
                          "words": explain(model, tokenizer, case)})
            expected[f"{name}.{case['name']}.rollout"] = rollout(arrays[f"{case['name']}.attentions"])
    out = os.path.join(golden, "explain")
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "cases.json"), "w", encoding="utf-8") as file:
        json.dump({"kind": "explain", "tolerance": 1e-4, "cases": cases}, file, ensure_ascii=True, indent=1)
    save_file(expected, os.path.join(out, "expected.safetensors"))


if __name__ == "__main__":
    main(sys.argv[1])
