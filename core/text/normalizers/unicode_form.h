// core/text/normalizers/unicode_form.h -- Unicode's normalization forms: NFC, NFD, NFKC, NFKD.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "core/text/normalizer.h"

namespace attentiond {

/// Source: NFC, NFD, NFKC and NFKD of huggingface/tokenizers, whose alignments are those of
/// n1t0/unicode-normalization.
class UnicodeForm final : public Normalizer {
 public:
  UnicodeForm(bool compose, bool compatibility)
      : compose_(compose), compatibility_(compatibility) {}
  template <bool compose, bool compatibility>
  static absl::StatusOr<std::unique_ptr<Normalizer>> FromJson(const nlohmann::json&) {
    return std::make_unique<UnicodeForm>(compose, compatibility);
  }

  absl::Status Normalize(AlignedText* text) const override;

 private:
  bool compose_;
  bool compatibility_;
};

}  // namespace attentiond
