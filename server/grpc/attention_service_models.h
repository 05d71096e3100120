// server/grpc/attention_service_models.h -- which models an RPC of attentiond.v1 takes, and finding
// the one that a request names.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/grpc/service_environment.h"
#include "server/grpc/unary_reactor.h"
#include "server/repository/model_repository.h"

namespace attentiond {

/// What one RPC needs of its model.
struct ModelNeed {
  absl::string_view method;       ///< "Classify"
  absl::string_view description;  ///< "a sequence classification model with a tokenizer"
  bool (*is_met)(const LoadedModel& model);
};

extern const ModelNeed kAttendNeed;
extern const ModelNeed kClassifyNeed;
extern const ModelNeed kEmbedNeed;
extern const ModelNeed kExplainNeed;
extern const ModelNeed kTranslateNeed;
extern const ModelNeed kCaptionNeed;
extern const ModelNeed kTokenizeNeed;

/// The RPCs that take `model`, in the order of the service.
std::vector<absl::string_view> MethodsFor(const LoadedModel& model);

/// The ready model `name` in `version` ("": the newest), which is also made the model that
/// `reactor` reports.
///
/// Errors    kInvalidArgument, a FieldError() of "model" that lists the names that fit: no name.
///           kFailedPrecondition: the need is not met. Else as ModelRepository::Get().
absl::StatusOr<std::shared_ptr<LoadedModel>> FindModel(const ServiceEnvironment& environment,
                                                       UnaryReactor* reactor, const ModelNeed& need,
                                                       const std::string& name,
                                                       const std::string& version);

/// The same for what is no UnaryReactor: `model` is set also when the need is not met.
absl::Status FindModel(const ServiceEnvironment& environment, const ModelNeed& need,
                       const std::string& name, const std::string& version,
                       std::shared_ptr<LoadedModel>* model);

}  // namespace attentiond
