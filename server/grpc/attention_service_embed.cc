// server/grpc/attention_service_embed.cc -- Embed: texts to vectors.
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/grpc/attention_service_conversion.h"
#include "server/grpc/attention_service_handlers.h"
#include "server/grpc/attention_service_models.h"
#include "server/inference/field_error.h"
#include "server/inference/prompt.h"

namespace attentiond {
namespace {

absl::StatusOr<Pooling> ToPooling(v1::Pooling proto) {
  switch (proto) {
    case v1::POOLING_UNSPECIFIED:
      return Pooling::kModelDefault;
    case v1::POOLING_MEAN:
      return Pooling::kMean;
    case v1::POOLING_CLS:
      return Pooling::kCls;
    default:  // proto3 enums are open: any number can come
      return FieldError("pooling", absl::StrCat(proto, ", required a value of Pooling"));
  }
}

absl::StatusOr<EncodeOptionsForRows> ToOptions(const v1::EmbedRequest& request,
                                               const ModelInfo& info) {
  EncodeOptionsForRows options;
  options.embedding = true;
  options.truncate = request.truncate();
  ASSIGN_OR_RETURN(options.truncation_side, ToTruncationSide(request.truncation_side()));
  ASSIGN_OR_RETURN(options.pooling, ToPooling(request.pooling()));
  if (request.has_normalize()) options.normalize = request.normalize();
  const int64_t size = info.EmbeddingSize(options.pooling);
  if (size == 0) {
    return FieldError("pooling", "chosen, required the model's own: it projects what that makes");
  }
  if (request.dimensions() < 0 || request.dimensions() > size) {
    return FieldError("dimensions", absl::StrCat(request.dimensions(), ", required 0 to ", size));
  }
  ASSIGN_OR_RETURN(options.prompt, PromptOf(info, "prompt_name",
                                            request.has_prompt_name()
                                                ? std::optional<std::string>(request.prompt_name())
                                                : std::nullopt));
  options.dimensions = request.dimensions();
  return options;
}

void Finish(EmbedCall& call, const std::vector<EncodedRow>& rows, const CallTiming& timing) {
  for (const EncodedRow& row : rows) {
    v1::Embedding* const result = call.response.add_results();
    result->mutable_values()->Assign(row.result.embedding.begin(), row.result.embedding.end());
    result->set_input_tokens(row.encoding.size());
    result->set_truncated_tokens(row.encoding.truncated_tokens);
  }
  call.Finish(static_cast<int64_t>(rows.size()), timing);
}

}  // namespace

absl::Status StartEmbed(const EmbedCall::Pointer& call) {
  const v1::EmbedRequest& request = call->request;
  ASSIGN_OR_RETURN(const auto model, FindModel(call->environment, call->reactor, kEmbedNeed,
                                               request.model(), request.model_version()));
  ASSIGN_OR_RETURN(std::vector<EncodeInput> inputs, ToEncodeInputs(request.inputs()));
  ASSIGN_OR_RETURN(const EncodeOptionsForRows options, ToOptions(request, model->model->info()));

  const int64_t dimensions = options.dimensions > 0
                                 ? options.dimensions
                                 : model->model->info().EmbeddingSize(options.pooling);
  RETURN_IF_ERROR(call->reactor->ticket().Reserve(static_cast<int64_t>(inputs.size()) * dimensions *
                                                  int64_t{sizeof(float)}));
  call->response.set_model_version(model->version);
  call->environment.inference->Encode(
      model, call->reactor->call(), std::move(inputs), options,
      [call](const absl::Status& status, std::vector<EncodedRow> rows, const CallTiming& timing) {
        if (!status.ok()) return call->Reply(InInputs(call->request.inputs(), status));
        Finish(*call, rows, timing);
      });
  return absl::OkStatus();
}

}  // namespace attentiond
