// server/metrics/scrape_collector.h -- metric families of what is read at a scrape rather than
// recorded as it happens: the process, the control group, the kernels.
#pragma once

#include <prometheus/metric_family.h>

#include <vector>

#include "server/metrics/metrics.h"
#include "server/metrics/process_stats.h"

namespace attentiond {

std::vector<prometheus::MetricFamily> ProcessFamilies(const ProcessStats& stats);

/// Families of the sources that are set.
std::vector<prometheus::MetricFamily> SourceFamilies(const Metrics::Sources& sources);

}  // namespace attentiond
