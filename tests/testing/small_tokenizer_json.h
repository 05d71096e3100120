// tests/testing/small_tokenizer_json.h -- a small tokenizer.json for tests to break.
#pragma once

#include <nlohmann/json.hpp>

namespace attentiond::testing {

/// "[CLS] text [SEP] pair [SEP]" over a vocabulary of thirteen tokens, lower case.
inline nlohmann::json SmallTokenizerJson() {
  return nlohmann::json::parse(R"({
    "version": "1.0",
    "added_tokens": [
      {"id": 0, "content": "[UNK]", "special": true, "normalized": false},
      {"id": 1, "content": "[CLS]", "special": true, "normalized": false},
      {"id": 2, "content": "[SEP]", "special": true, "normalized": false}
    ],
    "normalizer": {"type": "BertNormalizer"},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": {
      "type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}},
                 {"Sequence": {"id": "A", "type_id": 0}},
                 {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
      "pair": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}},
               {"Sequence": {"id": "A", "type_id": 0}},
               {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
               {"Sequence": {"id": "B", "type_id": 1}},
               {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
      "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [1], "tokens": ["[CLS]"]},
                         "[SEP]": {"id": "[SEP]", "ids": [2], "tokens": ["[SEP]"]}}
    },
    "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
    "model": {
      "type": "WordPiece",
      "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "a": 3, "b": 4, "##b": 5, "##c": 6, "abc": 7,
                "##abc": 8, ".": 9, "é": 10, "##é": 11, "##": 12}
    }
  })");
}

/// Byte-level BPE after NFC, with offsets trimmed.
inline nlohmann::json SmallByteLevelJson() {
  return nlohmann::json::parse(R"({
    "added_tokens": [
      {"id": 0, "content": "<s>", "special": true, "normalized": false},
      {"id": 1, "content": "</s>", "special": true, "normalized": false},
      {"id": 2, "content": "<x>", "lstrip": true, "rstrip": true, "special": true}
    ],
    "normalizer": {"type": "NFC"},
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": true},
    "post_processor": {"type": "RobertaProcessing", "cls": ["<s>", 0], "sep": ["</s>", 1],
                       "trim_offsets": true, "add_prefix_space": true},
    "decoder": {"type": "ByteLevel"},
    "model": {
      "type": "BPE", "unk_token": "?", "fuse_unk": true,
      "vocab": {"?": 3, "a": 4, "b": 5, "Ġ": 6, "ab": 7, "Ġab": 8, "Ã": 9, "©": 10, "Ã©": 11},
      "merges": ["a b", "Ġ ab", "Ã ©"]
    }
  })");
}

/// A unigram model with byte fallback, after NFKD and replacements, with visible spaces.
inline nlohmann::json SmallUnigramJson() {
  return nlohmann::json::parse(R"({
    "added_tokens": [
      {"id": 0, "content": "<s>", "special": true, "normalized": false},
      {"id": 2, "content": "word", "single_word": true, "normalized": true}
    ],
    "normalizer": {"type": "Sequence", "normalizers": [
      {"type": "Nmt"}, {"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"},
      {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
      {"type": "WhitespaceSplit"}, {"type": "Punctuation"},
      {"type": "Metaspace", "prepend_scheme": "first"}]},
    "post_processor": {"type": "BertProcessing", "cls": ["<s>", 0], "sep": ["<s>", 0]},
    "decoder": {"type": "Sequence", "decoders": [
      {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"},
      {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
    "model": {
      "type": "Unigram", "unk_id": 1, "byte_fallback": true,
      "vocab": [["<s>", 0.0], ["<unk>", 0.0], ["word", -1.0], ["▁", -2.0], ["a", -2.5],
                ["ab", -3.0], ["▁a", -2.25], ["c", -4.0], ["<0xE4>", -5.0], ["<0xBD>", -5.0],
                ["<0xA0>", -5.0]]
    }
  })");
}

}  // namespace attentiond::testing
