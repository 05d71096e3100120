// tests/testing/fake_model.h -- models whose results can be computed in one's head, without
// weights, that stop where a test wants them to.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/engine/model.h"

namespace attentiond::testing {

struct FakeModelOptions {
  ModelKind kind = ModelKind::kSequenceClassification;
  int64_t num_layers = 2;
  int64_t num_heads = 3;
  int64_t hidden_size = 4;
  int64_t max_length = 32;
  std::vector<std::string> labels = {"bad", "good"};  ///< classification only
  bool has_tokenizer = true;  ///< of an image classifier: an image processor
  /// Called at the beginning of every Run(), on the executor's thread, with the number of rows; an
  /// error is Run()'s.
  std::function<absl::Status(int64_t rows)> on_run;
};

/// Encoders have a tokenizer of characters: each but white space is a token, spelled as itself,
/// with the id 3 + code point modulo 1000. [CLS] is 0, [SEP] 1: "[CLS] text [SEP] pair [SEP]". Ids
/// decode to their numbers, joined by spaces.
///
/// For a row of S ids that sum to X:
///   logits        label l: X * l / 100
///   embedding     value i: X + i; the options of EncoderRow are applied, pooling kCls adds 1000
///   hidden state  zeros
///   attentions    of layer l and head h: token t attends to token (t + l * heads + h) % S alone
/// An attention layer copies its query to the output. An image classifier reads pictures of 2 x 2
/// pixels, whose values are bytes; logits, label l: the sum of all values * l / 1000.
std::shared_ptr<const Model> MakeFakeModel(const FakeModelOptions& options);

}  // namespace attentiond::testing
