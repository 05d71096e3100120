// core/text/processors/byte_level_processor.h -- takes the white space out of the places of
// byte-level tokens: "Ġword" is then where "word" is.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/status/statusor.h"
#include "core/text/post_processor.h"
#include "core/text/vocabulary.h"

namespace attentiond {

/// Source: the post-processor ByteLevel of huggingface/tokenizers.
class ByteLevelProcessor final : public PostProcessor {
 public:
  /// {"trim_offsets": without, nothing is done; "add_prefix_space": a space at the very beginning
  /// is not taken out, as it was added}. `vocabulary` is the model's.
  static absl::StatusOr<std::unique_ptr<PostProcessor>> FromJson(const nlohmann::json& json,
                                                                 const Vocabulary& vocabulary);

  int64_t num_added_tokens(bool) const override { return 0; }
  int num_templates() const override { return 0; }
  std::vector<int32_t> added_ids() const override { return {}; }
  bool reads_verbatim() const override { return trims_; }
  void Process(const PostProcessContext& context, std::vector<Encoding>* parts) const override;

 private:
  // How many characters of white space a token begins and ends with.
  struct Spaces {
    uint32_t leading = 0;
    uint32_t trailing = 0;
  };

  ByteLevelProcessor(const Vocabulary& vocabulary, bool trims, bool add_prefix_space);

  static Spaces CountSpaces(absl::string_view token);
  Spaces SpacesOf(int64_t begin, int32_t id, const PostProcessText& text) const;
  Encoding::Offset Trim(Encoding::Offset place, int32_t id, bool is_first,
                        const PostProcessText& text) const;

  std::vector<Spaces> spaces_;  // by id, of the model's tokens
  bool trims_;
  bool add_prefix_space_;
};

}  // namespace attentiond
