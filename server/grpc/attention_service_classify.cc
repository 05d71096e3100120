// server/grpc/attention_service_classify.cc -- Classify: texts to labels with scores.
#include <cstdint>
#include <utility>
#include <vector>

#include "core/base/status_macros.h"
#include "server/grpc/attention_service_conversion.h"
#include "server/grpc/attention_service_handlers.h"
#include "server/grpc/attention_service_models.h"

namespace attentiond {
namespace {

constexpr int64_t kLabelBytes = 64;  ///< a LabelScore in memory, and its part of the reply

void Finish(ClassifyCall& call, const ModelInfo& info, std::vector<EncodedRow> rows,
            const CallTiming& timing) {
  for (EncodedRow& row : rows) {
    SetClassification(info, std::move(row.result.logits), row.encoding, call.request.top_k(),
                      call.response.add_results());
  }
  call.Finish(static_cast<int64_t>(rows.size()), timing);
}

}  // namespace

absl::Status StartClassify(const ClassifyCall::Pointer& call) {
  const v1::ClassifyRequest& request = call->request;
  ASSIGN_OR_RETURN(const auto model, FindModel(call->environment, call->reactor, kClassifyNeed,
                                               request.model(), request.model_version()));
  ASSIGN_OR_RETURN(std::vector<EncodeInput> inputs, ToEncodeInputs(request.inputs()));
  RETURN_IF_ERROR(CheckTopK(request.top_k()));

  const auto labels = static_cast<int64_t>(model->model->info().labels.size());
  RETURN_IF_ERROR(
      call->reactor->ticket().Reserve(static_cast<int64_t>(inputs.size()) * labels * kLabelBytes));
  EncodeOptionsForRows options;
  options.logits = true;
  options.truncate = request.truncate();
  ASSIGN_OR_RETURN(options.truncation_side, ToTruncationSide(request.truncation_side()));
  call->response.set_model_version(model->version);
  call->environment.inference->Encode(
      model, call->reactor->call(), std::move(inputs), options,
      [call, model](const absl::Status& status, std::vector<EncodedRow> rows,
                    const CallTiming& timing) {
        if (!status.ok()) return call->Reply(InInputs(call->request.inputs(), status));
        Finish(*call, model->model->info(), std::move(rows), timing);
      });
  return absl::OkStatus();
}

}  // namespace attentiond
