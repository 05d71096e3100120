// server/grpc/attention_service_generate.cc -- Translate and Caption.
#include <utility>
#include <vector>

#include "core/base/status_macros.h"
#include "server/grpc/attention_service_handlers.h"
#include "server/grpc/attention_service_models.h"
#include "server/grpc/generation_conversion.h"

namespace attentiond {
namespace {

template <typename CallPointer>
absl::Status Start(const CallPointer& call, const ModelNeed& need, absl::string_view field) {
  const auto& request = call->request;
  ASSIGN_OR_RETURN(const auto model, FindModel(call->environment, call->reactor, need,
                                               request.model(), request.model_version()));
  const GenerationDefaults defaults{model->model->info(), *model->model->AsTextGenerator(),
                                    call->environment.limits};
  ASSIGN_OR_RETURN(std::vector<GenerateInput> inputs, ToGenerateInputs(request));
  ASSIGN_OR_RETURN(GenerateOptions options, ToGenerateOptions(request, defaults));
  call->response.set_model_version(model->version);
  call->environment.inference->Generate(
      model, call->reactor->call(), std::move(inputs), std::move(options), /*observer=*/nullptr,
      [call, model, field](const absl::Status& status, const std::vector<GeneratedRow>& rows,
                           const CallTiming& timing) {
        if (!status.ok()) return call->Reply(InElements(field, status));
        const GenerationDefaults known{model->model->info(), *model->model->AsTextGenerator(),
                                       call->environment.limits};
        for (const GeneratedRow& row : rows) {
          SetResult(known, row, call->response.add_results());
        }
        call->response.set_output_tokens(timing.output_tokens);
        call->Finish(static_cast<int64_t>(rows.size()), timing);
      });
  return absl::OkStatus();
}

}  // namespace

absl::Status StartTranslate(const TranslateCall::Pointer& call) {
  return Start(call, kTranslateNeed, "texts");
}

absl::Status StartCaption(const CaptionCall::Pointer& call) {
  return Start(call, kCaptionNeed, "images");
}

}  // namespace attentiond
