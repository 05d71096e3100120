#include "server/metrics/generation_series.h"

#include <utility>

namespace attentiond {
namespace {

prometheus::Gauge& OfState(MetricFamilies::Gauges& family, const std::string& model,
                           const char* state) {
  return family.Add({{"model", model}, {"state", state}});
}

}  // namespace

GenerationSeries::GenerationSeries(std::shared_ptr<MetricFamilies> families,
                                   const std::string& model)
    : families_(std::move(families)),
      first_token_(families_->first_token.Add({{"model", model}}, DurationBuckets())),
      per_token_(families_->time_per_token.Add({{"model", model}}, DurationBuckets())),
      running_(OfState(families_->generation_sequences, model, "running")),
      waiting_(OfState(families_->generation_sequences, model, "waiting")),
      pages_used_(OfState(families_->kv_cache_pages, model, "used")),
      pages_reserved_(OfState(families_->kv_cache_pages, model, "reserved")),
      pages_total_(OfState(families_->kv_cache_pages, model, "total")) {}

void GenerationSeries::Set(const GenerationState& state) {
  running_.Set(static_cast<double>(state.running));
  waiting_.Set(static_cast<double>(state.waiting));
  pages_used_.Set(static_cast<double>(state.used_pages));
  pages_reserved_.Set(static_cast<double>(state.reserved_pages));
  pages_total_.Set(static_cast<double>(state.total_pages));
}

}  // namespace attentiond
