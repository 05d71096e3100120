// server/grpc/generation_conversion.h -- messages of Translate and Caption to the server's types
// and back.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "attentiond/v1/attention_service.pb.h"
#include "server/grpc/generation_limits.h"
#include "server/inference/generate.h"

namespace attentiond {

/// The rows and options of a request; texts and files are views into it. kInvalidArgument, a
/// FieldError(): none, or an option out of range.
absl::StatusOr<std::vector<GenerateInput>> ToGenerateInputs(const v1::TranslateRequest& request);
absl::StatusOr<std::vector<GenerateInput>> ToGenerateInputs(const v1::CaptionRequest& request);
absl::StatusOr<GenerateOptions> ToGenerateOptions(const v1::TranslateRequest& request,
                                                  const GenerationDefaults& defaults);
absl::StatusOr<GenerateOptions> ToGenerateOptions(const v1::CaptionRequest& request,
                                                  const GenerationDefaults& defaults);

/// An error of Inference about row 3 as one about `field` "texts[3]"; every other as it is.
absl::Status InElements(absl::string_view field, const absl::Status& status);

void SetResult(const GenerationDefaults& defaults, const GeneratedRow& row,
               v1::Translation* result);
void SetResult(const GenerationDefaults& defaults, const GeneratedRow& row,
               v1::CaptionResult* result);

}  // namespace attentiond
