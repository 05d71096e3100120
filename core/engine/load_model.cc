// core/engine/load_model.cc -- which model a directory holds.
#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/engine/attention_layer_model.h"
#include "core/engine/caption_model.h"
#include "core/engine/image_classifier_model.h"
#include "core/engine/model.h"
#include "core/engine/precision.h"
#include "core/engine/seq2seq_model.h"
#include "core/engine/text_encoder_model.h"
#include "core/models/config_fields.h"
#include "core/models/encoder_family.h"
#include "core/models/seq2seq/caption_config.h"
#include "core/models/vision_config.h"
#include "core/weights/checkpoint.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

constexpr absl::string_view kAttentionLayerType = "multihead_attention";

absl::Status UnsupportedType(const std::string& found) {
  std::string supported;
  for (const EncoderFamily& family : EncoderFamilies()) {
    absl::StrAppend(&supported, family.model_type, ", ");
  }
  for (const absl::string_view caption : CaptionModelTypes()) {
    absl::StrAppend(&supported, caption, ", ");
  }
  for (const Seq2SeqFamily& family : Seq2SeqFamilies()) {
    absl::StrAppend(&supported, family.model_type, ", ");
  }
  for (const VisionFamily& family : VisionFamilies()) {
    if (family.has_classifier) absl::StrAppend(&supported, family.layers.model_type, ", ");
  }
  return absl::UnimplementedError(absl::StrCat("config.json: model_type ", Quoted(found),
                                               " is not supported (supported: ", supported,
                                               kAttentionLayerType, ")"));
}

/// Before memory is taken that is not there: the system would end the process.
absl::Status CheckMemory(const Checkpoint& checkpoint, const LoadOptions& options) {
  if (options.max_weight_bytes == 0) return absl::OkStatus();
  const int64_t needed = WeightBytes(
      checkpoint, ComputeTypes(options.precision, checkpoint, DescribePlatform().has_bf16));
  if (needed <= options.max_weight_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(checkpoint.directory(), ": the weights take ", needed >> 20, " MiB, ",
                   options.max_weight_bytes >> 20, " MiB are left of the memory limit"));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Model>> LoadModel(const std::string& directory,
                                                       const LoadOptions& options) {
  RETURN_IF_ERROR(CheckPrecision(options.precision, DescribePlatform()));
  ASSIGN_OR_RETURN(const std::unique_ptr<Checkpoint> checkpoint, Checkpoint::Open(directory));
  RETURN_IF_ERROR(CheckMemory(*checkpoint, options));
  const absl::StatusOr<std::string> type = GetString(checkpoint->config(), "model_type", "");
  if (!type.ok()) return InConfigJson(type.status());
  if (const EncoderFamily* family = FindEncoderFamily(*type)) {
    return LoadTextEncoder(*checkpoint, *family, options);
  }
  if (const Seq2SeqFamily* family = FindSeq2SeqFamily(*type)) {
    return LoadSeq2SeqModel(*checkpoint, *family, options);
  }
  if (absl::c_linear_search(CaptionModelTypes(), *type)) {
    return LoadCaptionModel(*checkpoint, options);
  }
  const VisionFamily* const vision = FindVisionFamily(*type);
  if (vision != nullptr && vision->has_classifier) {
    return LoadImageClassifier(*checkpoint, *vision, options);
  }
  if (*type == kAttentionLayerType) return LoadAttentionLayer(*checkpoint, options);
  return UnsupportedType(*type);
}

}  // namespace attentiond
