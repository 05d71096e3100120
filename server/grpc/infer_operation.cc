// server/grpc/infer_operation.cc -- which operation a model's kind has.
#include "server/grpc/infer_operation.h"

#include "absl/strings/str_cat.h"

namespace attentiond {

absl::StatusOr<std::unique_ptr<InferOperation>> MakeInferOperation(const InferInput& input) {
  if (input.info == nullptr) return MakeAttentionOperation(input);
  switch (input.info->kind) {
    case ModelKind::kAttentionLayer:
      return MakeAttentionLayerOperation(input);
    case ModelKind::kSequenceClassification:
    case ModelKind::kTokenClassification:
    case ModelKind::kEmbedding:
      return MakeTextEncoderOperation(input);
    case ModelKind::kImageClassification:
      return MakeImageClassifierOperation(input);
    case ModelKind::kTranslation:
    case ModelKind::kCaptioning:
      return MakeGenerationOperation(input);
  }
  return absl::InternalError(
      absl::StrCat("a model of kind ", static_cast<int>(input.info->kind), " has no operation"));
}

}  // namespace attentiond
