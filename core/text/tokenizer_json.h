// core/text/tokenizer_json.h -- builds the tokenizer that the contents of a tokenizer.json
// describe.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "core/text/tokenizer.h"

namespace attentiond {

/// `json` is the root object. Its sections "truncation" and "padding" are ignored: what is cut is
/// the caller's decision (EncodeOptions), and nothing is padded.
///
/// Errors
///   kInvalidArgument  A section is broken; the message names it and what is wrong.
///   kUnimplemented    A section has a type that is not supported; the message lists those that
///                     are.
absl::StatusOr<std::unique_ptr<Tokenizer>> BuildTokenizer(const nlohmann::json& json,
                                                          int64_t model_max_length);

}  // namespace attentiond
