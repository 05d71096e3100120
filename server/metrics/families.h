// server/metrics/families.h -- every metric that is recorded as it happens: names, help, buckets.
// What is read at a scrape is in scrape_collector.h. docs/METRICS.md lists both; a test compares.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

namespace attentiond {

/// A registry and its families. Threads: families may be used concurrently.
struct MetricFamilies {
  using Counters = prometheus::Family<prometheus::Counter>;
  using Gauges = prometheus::Family<prometheus::Gauge>;
  using Histograms = prometheus::Family<prometheus::Histogram>;

  MetricFamilies();
  MetricFamilies(const MetricFamilies&) = delete;
  MetricFamilies& operator=(const MetricFamilies&) = delete;

  prometheus::Registry registry;  ///< owns the families

  // Requests; labels model, task, method, code.
  Counters& requests;
  Histograms& request_duration;
  // The way through a model; label model.
  Histograms& queue_duration;
  Histograms& tokenize_duration;
  Histograms& compute_duration;
  Histograms& batch_requests;
  Histograms& batch_tokens;
  Counters& tokens;  ///< labels model, kind
  // Models that write text; label model.
  Histograms& first_token;
  Histograms& time_per_token;
  Gauges& generation_sequences;  ///< labels model, state
  Gauges& kv_cache_pages;        ///< labels model, state
  Counters& cache_hits;
  Counters& cache_misses;
  Counters& coalesced_rows;
  Counters& rejected;  ///< labels model, reason
  Gauges& queue_requests;
  Gauges& queue_oldest;
  Counters& connections_refused;
  // Models; label model.
  Gauges& model_ready;  ///< labels model, version
  Gauges& model_load_duration;
  Gauges& model_weight_bytes;
  // The process.
  Gauges& in_flight;
  Gauges& compute_threads;
  Gauges& quota_cores;
  Gauges& memory_limit;
  Gauges& build_info;  ///< labels version, onednn, isa
};

/// Upper bounds of every duration histogram, in seconds: 100 us to 60 s.
const prometheus::Histogram::BucketBoundaries& DurationBuckets();
/// Powers of two: 1 to 1,024 requests, 1 to 65,536 tokens.
const prometheus::Histogram::BucketBoundaries& BatchRequestBuckets();
const prometheus::Histogram::BucketBoundaries& BatchTokenBuckets();

}  // namespace attentiond
