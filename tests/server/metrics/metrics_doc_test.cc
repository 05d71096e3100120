// What the server exports, docs/METRICS.md and promtool's rules agree.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "server/metrics/metrics.h"

namespace attentiond {
namespace {

struct Metric {
  std::string type;
  std::set<std::string> labels;
  bool operator==(const Metric&) const = default;
};
void PrintTo(const Metric& metric, std::ostream* out) {
  *out << metric.type << " {" << testing::PrintToString(metric.labels) << "}";
}
using MetricsByName = std::map<std::string, Metric>;

/// A scrape in which every metric has a sample.
std::string FullScrape() {
  const auto metrics =
      Metrics::Create({.version = "0.1.0", .onednn = "3.7.2", .isa = "avx2"},
                      {.kernel_counts =
                           [] {
                             return std::vector<KernelCount>{{"attention", "brgemm", 1}};
                           },
                       .throttled_periods = [] { return int64_t{0}; },
                       .cache_bytes = [] { return int64_t{0}; }});
  const auto model = metrics->ForModel("demo", "embedding");
  model->ObserveRequest("Embed", "OK", absl::Milliseconds(1));
  model->SetReady("1", true);
  model->SetLoaded(absl::Seconds(1), 1);
  model->ObserveFirstToken(absl::Milliseconds(1));
  return metrics->Serialize();
}

/// Label names of a sample "name{a="x",le="1"} 2"; values hold no commas here. `le` belongs to
/// every histogram and is left out.
std::set<std::string> LabelNames(absl::string_view sample) {
  std::set<std::string> names;
  const size_t open = sample.find('{');
  if (open == absl::string_view::npos) return names;
  for (absl::string_view pair :
       absl::StrSplit(sample.substr(open + 1, sample.rfind('}') - open - 1), ',')) {
    names.emplace(pair.substr(0, pair.find('=')));
  }
  names.erase("le");
  return names;
}

MetricsByName ParseScrape(const std::string& scrape) {
  MetricsByName metrics;
  std::string name;
  for (absl::string_view line : absl::StrSplit(scrape, '\n', absl::SkipEmpty())) {
    if (absl::ConsumePrefix(&line, "# TYPE ")) {
      const std::vector<std::string> words = absl::StrSplit(line, ' ');
      name = words.at(0);
      metrics[name].type = words.at(1);
    } else if (line.front() != '#') {
      metrics[name].labels.merge(LabelNames(line));
    }
  }
  return metrics;
}

std::string ReadSourceFile(const std::string& path) {
  std::ifstream file(ATTENTIOND_SOURCE_DIR + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The rows of the table: | `name` | type | label, label | meaning |
MetricsByName ParseDocumentation() {
  MetricsByName metrics;
  const std::string text = ReadSourceFile("/docs/METRICS.md");
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<std::string> cells = absl::StrSplit(line, '|');
    if (cells.size() != 6) continue;
    absl::string_view name = absl::StripAsciiWhitespace(cells[1]);
    if (!absl::ConsumePrefix(&name, "`") || !absl::ConsumeSuffix(&name, "`")) continue;
    Metric& metric = metrics[std::string(name)];
    metric.type = std::string(absl::StripAsciiWhitespace(cells[2]));
    for (absl::string_view label : absl::StrSplit(cells[3], ',', absl::SkipWhitespace())) {
      metric.labels.emplace(absl::StripAsciiWhitespace(label));
    }
  }
  return metrics;
}

TEST(MetricsDocTest, DocumentationIsWhatIsExported) {
  const MetricsByName documented = ParseDocumentation();
  EXPECT_GT(documented.size(), 20u) << "docs/METRICS.md has no table";
  EXPECT_THAT(ParseScrape(FullScrape()), testing::ContainerEq(documented));
}

/// Names of ours in a text: "attentiond_batch_requests_sum" belongs to "attentiond_batch_requests".
std::set<std::string> MetricNamesIn(const std::string& text, const MetricsByName& documented) {
  std::set<std::string> names;
  const std::regex pattern("\\b(attentiond|process)_[a-z_]+\\b");
  for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match) {
    std::string name = match->str();
    for (const absl::string_view suffix : {"_bucket", "_sum", "_count"}) {
      const auto stem = documented.find(std::string(absl::StripSuffix(name, suffix)));
      if (stem != documented.end() && stem->second.type == "histogram") name = stem->first;
    }
    names.emplace(name);
  }
  return names;
}

TEST(MetricsDocTest, TheDashboardAndTheExampleQueriesUseWhatIsExported) {
  const MetricsByName documented = ParseDocumentation();
  for (const char* file : {"/deploy/grafana/dashboards/attentiond.json", "/docs/METRICS.md"}) {
    const std::string text = ReadSourceFile(file);
    const std::set<std::string> used = MetricNamesIn(text, documented);
    EXPECT_GE(used.size(), 8u) << file;
    for (const std::string& name : used)
      EXPECT_TRUE(documented.contains(name)) << file << ": " << name;
  }
}

/// What `promtool` with `arguments` prints; "" when it is content. nullopt: it is not installed.
std::optional<std::string> Promtool(const std::string& arguments) {
  if (std::system("command -v promtool > /dev/null") != 0) return std::nullopt;
  std::FILE* pipe = popen(absl::StrCat("promtool ", arguments, " 2>&1").c_str(), "r");
  std::string complaints;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
    complaints.push_back(static_cast<char>(c));
  }
  if (pclose(pipe) == 0) return "";
  return complaints + "failed";
}

TEST(MetricsDocTest, PromtoolFindsNothing) {
  const std::string scrape_file = testing::TempDir() + "/metrics_doc_test.prom";
  std::ofstream(scrape_file) << FullScrape();
  const std::string config = ATTENTIOND_SOURCE_DIR "/deploy/prometheus/prometheus.yml";
  const auto metrics_complaints = Promtool("check metrics < " + scrape_file);
  if (!metrics_complaints.has_value()) {
    GTEST_SKIP() << "promtool (Debian package prometheus) is not installed";
  }
  EXPECT_EQ(metrics_complaints, "");
  EXPECT_EQ(Promtool("check config " + config), "");
}

}  // namespace
}  // namespace attentiond
