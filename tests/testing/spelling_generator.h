// tests/testing/spelling_generator.h -- a text generator that only spells its tokens.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/engine/text_generator.h"
#include "core/text/unicode.h"

namespace attentiond::testing {

/// Token i is written as spellings[i], bytes that are put together before they are read as UTF-8.
class SpellingGenerator final : public TextGenerator {
 public:
  explicit SpellingGenerator(std::vector<std::string> spellings)
      : spellings_(std::move(spellings)) {}

  const GenerationOptions& default_options() const override { return options_; }
  int64_t max_source_length() const override { return 8; }
  int64_t max_target_length() const override { return 8; }
  absl::Status Validate(const GenerationInput& /*input*/) const override {
    return absl::OkStatus();
  }
  absl::StatusOr<std::string> Decode(absl::Span<const int32_t> ids) const override {
    std::string bytes;
    for (const int32_t id : ids) bytes += spellings_.at(static_cast<size_t>(id));
    return LossyUtf8(bytes);
  }
  std::string TokenText(int32_t id) const override {
    return spellings_.at(static_cast<size_t>(id));
  }
  std::unique_ptr<Generation> NewGeneration(int64_t /*cache_bytes*/) const override {
    return nullptr;
  }

 private:
  const std::vector<std::string> spellings_;
  const GenerationOptions options_;
};

}  // namespace attentiond::testing
