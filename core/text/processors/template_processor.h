// core/text/processors/template_processor.h -- special tokens around the text as a template says:
// "[CLS] text [SEP] pair [SEP]".
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/text/post_processor.h"

namespace attentiond {

/// Source: TemplateProcessing, BertProcessing and RobertaProcessing (its special tokens) of
/// huggingface/tokenizers.
class TemplateProcessor final : public PostProcessor {
 public:
  /// TemplateProcessing: {"single", "pair", "special_tokens"}.
  static absl::StatusOr<std::unique_ptr<PostProcessor>> FromTemplateJson(
      const nlohmann::json& json);
  /// BertProcessing: {"sep": [token, id], "cls": [token, id]}.
  static absl::StatusOr<std::unique_ptr<PostProcessor>> FromBertJson(const nlohmann::json& json);
  /// RobertaProcessing: the same, with two separators between, and no type but 0.
  static absl::StatusOr<std::unique_ptr<PostProcessor>> FromRobertaJson(const nlohmann::json& json);

  int64_t num_added_tokens(bool has_pair) const override;
  int num_templates() const override { return 1; }
  std::vector<int32_t> added_ids() const override;
  void Process(const PostProcessContext& context, std::vector<Encoding>* parts) const override;

 private:
  // One element of a template: a sequence, or special tokens.
  struct Piece {
    int sequence = -1;  // 0 the text, 1 the pair, -1 special tokens
    int32_t type_id = 0;
    std::vector<int32_t> ids;  // of special tokens
  };
  using Template = std::vector<Piece>;

  TemplateProcessor(Template single, Template pair)
      : single_(std::move(single)), pair_(std::move(pair)) {}

  static absl::StatusOr<Template> ParseTemplate(const nlohmann::json& json, const char* key,
                                                const nlohmann::json& special_tokens);
  static absl::StatusOr<Piece> ParsePiece(const nlohmann::json& piece,
                                          const nlohmann::json& special_tokens);

  Template single_;
  Template pair_;
};

}  // namespace attentiond
