#include "server/metrics/families.h"

#include <cmath>

namespace attentiond {
namespace {

auto& Counter(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

auto& Gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

auto& Histogram(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

prometheus::Histogram::BucketBoundaries PowersOfTwo(int largest_exponent) {
  prometheus::Histogram::BucketBoundaries bounds;
  for (int exponent = 0; exponent <= largest_exponent; ++exponent) {
    bounds.push_back(std::ldexp(1.0, exponent));
  }
  return bounds;
}

}  // namespace

MetricFamilies::MetricFamilies()
    : requests(Counter(registry, "attentiond_requests_total",
                       "Answered RPCs, by gRPC status code; model and task are empty for a model "
                       "that is not known.")),
      request_duration(Histogram(registry, "attentiond_request_duration_seconds",
                                 "Time from an RPC's arrival to its answer, whatever the answer.")),
      queue_duration(Histogram(registry, "attentiond_queue_duration_seconds",
                               "Time that a row waited until a batch took it.")),
      tokenize_duration(Histogram(registry, "attentiond_tokenize_duration_seconds",
                                  "Time that turning one request's text into tokens, or its "
                                  "pictures into pixel values, took.")),
      compute_duration(Histogram(registry, "attentiond_compute_duration_seconds",
                                 "Time that computing one batch took.")),
      batch_requests(Histogram(registry, "attentiond_batch_requests", "Rows that one batch held.")),
      batch_tokens(Histogram(registry, "attentiond_batch_tokens",
                             "Tokens that one batch held; none of them is padding.")),
      tokens(Counter(registry, "attentiond_tokens_total", "Tokens processed, by kind.")),
      first_token(Histogram(registry, "attentiond_time_to_first_token_seconds",
                            "Time from a request's arrival to the first token of a text.")),
      time_per_token(Histogram(registry, "attentiond_time_per_token_seconds",
                               "Mean time from one token of a finished text to the next.")),
      generation_sequences(Gauge(registry, "attentiond_generation_sequences",
                                 "Texts that are being written, or wait to be.")),
      kv_cache_pages(Gauge(registry, "attentiond_kv_cache_pages",
                           "Pages of keys and values: in use, set aside for what runs, in all.")),
      cache_hits(
          Counter(registry, "attentiond_cache_hits_total", "Rows whose result was in the cache.")),
      cache_misses(Counter(registry, "attentiond_cache_misses_total",
                           "Rows whose result was not in the cache, while there is one.")),
      coalesced_rows(Counter(registry, "attentiond_coalesced_rows_total",
                             "Rows that took the result of the same row, which was in flight.")),
      rejected(Counter(registry, "attentiond_rejected_total",
                       "Rows that were refused or dropped before compute, by reason; model is "
                       "empty for requests that the server as a whole refused.")),
      queue_requests(Gauge(registry, "attentiond_queue_requests", "Rows that wait for a batch.")),
      queue_oldest(Gauge(registry, "attentiond_queue_oldest_seconds",
                         "Age of the row that has waited longest; 0 when none waits.")),
      connections_refused(Counter(registry, "attentiond_connections_refused_total",
                                  "Connections closed at once: too many were open.")),
      model_ready(Gauge(registry, "attentiond_model_ready",
                        "1 while the model serves, 0 once it is unloaded or failed to load.")),
      model_load_duration(Gauge(registry, "attentiond_model_load_duration_seconds",
                                "Time that the model's last load took.")),
      model_weight_bytes(Gauge(registry, "attentiond_model_weight_bytes",
                               "Resident bytes of the model's weights.")),
      in_flight(Gauge(registry, "attentiond_in_flight_requests",
                      "RPCs that have arrived and are not answered yet.")),
      compute_threads(
          Gauge(registry, "attentiond_compute_threads", "Threads that compute batches.")),
      quota_cores(Gauge(registry, "attentiond_cpu_quota_cores",
                        "Processor quota of the control group, in cores; 0 when there is none.")),
      memory_limit(Gauge(registry, "attentiond_memory_limit_bytes",
                         "Memory limit of the control group; 0 when there is none.")),
      build_info(Gauge(registry, "attentiond_build_info",
                       "Always 1; the labels say what runs and on which instruction set.")) {}

const prometheus::Histogram::BucketBoundaries& DurationBuckets() {
  static const prometheus::Histogram::BucketBoundaries bounds = {
      0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
      0.1,    0.25,    0.5,    1,     2.5,    5,     10,   30,    60};
  return bounds;
}

const prometheus::Histogram::BucketBoundaries& BatchRequestBuckets() {
  static const prometheus::Histogram::BucketBoundaries bounds = PowersOfTwo(10);
  return bounds;
}

const prometheus::Histogram::BucketBoundaries& BatchTokenBuckets() {
  static const prometheus::Histogram::BucketBoundaries bounds = PowersOfTwo(16);
  return bounds;
}

}  // namespace attentiond
