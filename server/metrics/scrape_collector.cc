#include "server/metrics/scrape_collector.h"

#include <prometheus/metric_type.h>

#include <utility>

namespace attentiond {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

ClientMetric CounterValue(double value, std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.counter.value = value;
  return metric;
}

ClientMetric GaugeValue(double value) {
  ClientMetric metric;
  metric.gauge.value = value;
  return metric;
}

MetricFamily Counter(const char* name, const char* help, double value) {
  return {name, help, MetricType::Counter, {CounterValue(value)}};
}

template <typename Number>
MetricFamily Gauge(const char* name, const char* help, Number value) {
  return {name, help, MetricType::Gauge, {GaugeValue(static_cast<double>(value))}};
}

}  // namespace

std::vector<MetricFamily> ProcessFamilies(const ProcessStats& stats) {
  return {
      Counter("process_cpu_seconds_total", "User and system processor time used.",
              stats.cpu_seconds),
      Gauge("process_start_time_seconds", "Unix time of the start.", stats.start_time_seconds),
      Gauge("process_resident_memory_bytes", "Resident memory.", stats.resident_bytes),
      Gauge("process_virtual_memory_bytes", "Virtual memory.", stats.virtual_bytes),
      Gauge("process_threads", "Threads.", stats.threads),
      Gauge("process_open_fds", "Open file descriptors.", stats.open_fds),
      Gauge("process_max_fds", "Most file descriptors that may be open; -1: no limit.",
            stats.max_fds),
  };
}

std::vector<MetricFamily> SourceFamilies(const Metrics::Sources& sources) {
  std::vector<MetricFamily> families;
  if (sources.throttled_periods != nullptr) {
    families.push_back(Counter("attentiond_cpu_throttled_periods_total",
                               "Periods in which the processor quota stopped this process.",
                               static_cast<double>(sources.throttled_periods())));
  }
  if (sources.cache_bytes != nullptr) {
    families.push_back(
        Gauge("attentiond_cache_bytes", "What the result cache holds.", sources.cache_bytes()));
  }
  if (sources.kernel_counts != nullptr) {
    MetricFamily dispatch{"attentiond_kernel_dispatch_total",
                          "How often each kernel was chosen for an operation.",
                          MetricType::Counter,
                          {}};
    for (const KernelCount& kernel : sources.kernel_counts()) {
      dispatch.metric.push_back(CounterValue(static_cast<double>(kernel.count),
                                             {{"op", kernel.op}, {"kernel", kernel.kernel}}));
    }
    if (!dispatch.metric.empty()) families.push_back(std::move(dispatch));
  }
  return families;
}

}  // namespace attentiond
