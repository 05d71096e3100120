// What the server exports, docs/METRICS.md and promtool's rules agree.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
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
                       .throttled_periods = [] { return int64_t{0}; }});
  const auto model = metrics->ForModel("demo", "embedding");
  model->ObserveRequest("Embed", "OK", absl::Milliseconds(1));
  model->SetReady("1", true);
  model->SetLoaded(absl::Seconds(1), 1);
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

/// The rows of the table: | `name` | type | label, label | meaning |
MetricsByName ParseDocumentation() {
  std::ifstream file(std::string(ATTENTIOND_SOURCE_DIR) + "/docs/METRICS.md");
  MetricsByName metrics;
  for (std::string line; std::getline(file, line);) {
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

TEST(MetricsDocTest, PromtoolFindsNothing) {
  if (std::system("command -v promtool > /dev/null") != 0) {
    GTEST_SKIP() << "promtool (Debian package prometheus) is not installed";
  }
  const std::string scrape_file = testing::TempDir() + "/metrics_doc_test.prom";
  std::ofstream(scrape_file) << FullScrape();
  const std::string command = absl::StrCat("promtool check metrics < ", scrape_file, " 2>&1");
  std::FILE* pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string complaints;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
    complaints.push_back(static_cast<char>(c));
  }
  EXPECT_EQ(pclose(pipe), 0);
  EXPECT_EQ(complaints, "");
}

}  // namespace
}  // namespace attentiond
