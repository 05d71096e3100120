#include "server/metrics/request_series.h"

#include <algorithm>
#include <utility>

namespace attentiond {
namespace {

template <size_t size>
size_t IndexOf(const std::array<absl::string_view, size>& names, absl::string_view name,
               size_t otherwise) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? otherwise : static_cast<size_t>(found - names.begin());
}

}  // namespace

const std::array<absl::string_view, RequestSeries::kNumMethods>& RequestSeries::Methods() {
  // The busiest first: they are searched in order.
  static constexpr std::array<absl::string_view, kNumMethods> names = {"ModelInfer",
                                                                       "Classify",
                                                                       "Embed",
                                                                       "Attend",
                                                                       "ModelStreamInfer",
                                                                       "Explain",
                                                                       "Tokenize",
                                                                       "Translate",
                                                                       "Caption",
                                                                       "TranslateStream",
                                                                       "CaptionStream",
                                                                       "ModelReady",
                                                                       "ModelMetadata",
                                                                       "ModelConfig",
                                                                       "ModelStatistics",
                                                                       "ServerLive",
                                                                       "ServerReady",
                                                                       "ServerMetadata",
                                                                       "RepositoryModelLoad",
                                                                       "ListModels",
                                                                       "RepositoryIndex",
                                                                       "RepositoryModelUnload",
                                                                       "other"};
  return names;
}

const std::array<absl::string_view, RequestSeries::kNumCodes>& RequestSeries::Codes() {
  static constexpr std::array<absl::string_view, kNumCodes> names = {"OK",
                                                                     "INVALID_ARGUMENT",
                                                                     "RESOURCE_EXHAUSTED",
                                                                     "DEADLINE_EXCEEDED",
                                                                     "CANCELLED",
                                                                     "UNAVAILABLE",
                                                                     "NOT_FOUND",
                                                                     "FAILED_PRECONDITION",
                                                                     "UNAUTHENTICATED",
                                                                     "INTERNAL",
                                                                     "UNIMPLEMENTED",
                                                                     "PERMISSION_DENIED",
                                                                     "ALREADY_EXISTS",
                                                                     "ABORTED",
                                                                     "OUT_OF_RANGE",
                                                                     "DATA_LOSS",
                                                                     "UNKNOWN"};
  return names;
}

RequestSeries::RequestSeries(std::shared_ptr<MetricFamilies> families, std::string model,
                             std::string task)
    : families_(std::move(families)), model_(std::move(model)), task_(std::move(task)) {}

void RequestSeries::Observe(absl::string_view method, absl::string_view code,
                            absl::Duration duration) {
  const size_t method_index = IndexOf(Methods(), method, kNumMethods - 1);
  const size_t code_index = IndexOf(Codes(), code, kNumCodes - 1);
  Series& series = series_[method_index][code_index];
  prometheus::Counter* count = series.count.load(std::memory_order_acquire);
  if (count == nullptr) {
    Resolve(method_index, code_index, &series);
    count = series.count.load(std::memory_order_relaxed);
  }
  count->Increment();
  series.duration.load(std::memory_order_relaxed)->Observe(absl::ToDoubleSeconds(duration));
}

void RequestSeries::Resolve(size_t method, size_t code, Series* series) {
  // Families return the same series for the same labels: it does not matter who resolves first.
  const prometheus::Labels labels = {{"model", model_},
                                     {"task", task_},
                                     {"method", std::string(Methods()[method])},
                                     {"code", std::string(Codes()[code])}};
  series->duration.store(&families_->request_duration.Add(labels, DurationBuckets()),
                         std::memory_order_relaxed);
  series->count.store(&families_->requests.Add(labels), std::memory_order_release);
}

}  // namespace attentiond
