#include "server/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"

namespace attentiond {
namespace {

using testing::HasSubstr;
using testing::Not;

std::unique_ptr<Metrics> MakeMetrics(Metrics::Sources sources = {}) {
  return Metrics::Create({.version = "0.1.0",
                          .onednn = "3.7.2",
                          .isa = "avx2",
                          .compute_threads = 2,
                          .quota_cores = 1.5,
                          .memory_limit_bytes = 3 << 20},
                         std::move(sources));
}

TEST(MetricsTest, ExportsWhatRuns) {
  const std::string text = MakeMetrics()->Serialize();
  EXPECT_THAT(text, HasSubstr("attentiond_build_info{isa=\"avx2\",onednn=\"3.7.2\","
                              "version=\"0.1.0\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nattentiond_compute_threads 2\n"));
  EXPECT_THAT(text, HasSubstr("\nattentiond_cpu_quota_cores 1.5\n"));
  EXPECT_THAT(text, HasSubstr("\nattentiond_memory_limit_bytes 3145728\n"));
}

TEST(MetricsTest, EveryOutcomeIsCountedAndTimed) {
  const auto metrics = MakeMetrics();
  const auto model = metrics->ForModel("demo", "embedding");
  model->ObserveRequest("Embed", "OK", absl::Milliseconds(3));
  model->ObserveRequest("Embed", "OK", absl::Milliseconds(4));
  model->ObserveRequest("Embed", "INVALID_ARGUMENT", absl::Microseconds(50));
  const std::string text = metrics->Serialize();
  const std::string ok = R"({code="OK",method="Embed",model="demo",task="embedding")";
  EXPECT_THAT(text, HasSubstr(absl::StrCat("attentiond_requests_total", ok, "} 2\n")));
  EXPECT_THAT(text, HasSubstr(absl::StrCat("attentiond_request_duration_seconds_bucket", ok,
                                           ",le=\"0.0025\"} 0\n")));
  EXPECT_THAT(text, HasSubstr(absl::StrCat("attentiond_request_duration_seconds_bucket", ok,
                                           ",le=\"0.005\"} 2\n")));
  EXPECT_THAT(text, HasSubstr("attentiond_request_duration_seconds_count{code=\"INVALID_ARGUMENT\","
                              "method=\"Embed\",model=\"demo\",task=\"embedding\"} 1\n"));
}

TEST(MetricsTest, LabelsAreClosedSets) {
  const auto metrics = MakeMetrics();
  metrics->ObserveUnknownModelRequest("ModelInfer", "NOT_FOUND", absl::Milliseconds(1));
  metrics->ForModel("demo", "embedding")
      ->ObserveRequest("DropTables", "NO_SUCH_CODE", absl::Milliseconds(1));
  const std::string text = metrics->Serialize();
  EXPECT_THAT(text, HasSubstr("attentiond_requests_total{code=\"NOT_FOUND\",method=\"ModelInfer\","
                              "model=\"\",task=\"\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("attentiond_requests_total{code=\"UNKNOWN\",method=\"other\","
                              "model=\"demo\",task=\"embedding\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("DropTables")));
  EXPECT_THAT(text, Not(HasSubstr("NO_SUCH_CODE")));
}

TEST(MetricsTest, HostileModelNamesAreEscaped) {
  const auto metrics = MakeMetrics();
  metrics->ForModel("a\"} 1\nb\\", "embedding")->SetReady("1", true);
  EXPECT_THAT(metrics->Serialize(),
              HasSubstr(R"(attentiond_model_ready{model="a\"} 1\nb\\",version="1"} 1)"));
}

TEST(MetricsTest, SameModelAndTaskShareTheirSeries) {
  const auto metrics = MakeMetrics();
  EXPECT_EQ(metrics->ForModel("demo", "embedding"), metrics->ForModel("demo", "embedding"));
  // A model that is loaded again with another head: requests change their task, the rest goes on.
  const auto before = metrics->ForModel("demo", "embedding");
  const auto after = metrics->ForModel("demo", "sequence_classification");
  before->OnBatch(1, 8, absl::Milliseconds(1));
  after->OnBatch(1, 8, absl::Milliseconds(1));
  after->ObserveRequest("Classify", "OK", absl::Milliseconds(1));
  const std::string text = metrics->Serialize();
  EXPECT_THAT(text, HasSubstr("attentiond_batch_tokens_count{model=\"demo\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("model=\"demo\",task=\"sequence_classification\"} 1\n"));
}

TEST(MetricsTest, BatchesQueueAndTokens) {
  const auto metrics = MakeMetrics();
  const auto model = metrics->ForModel("demo", "embedding");
  model->OnBatch(/*tasks=*/3, /*tokens=*/40, absl::Milliseconds(2));
  model->OnQueued(absl::Microseconds(100));
  model->ObserveTokenize(absl::Microseconds(200));
  model->AddTokens("input", 40);
  const std::string text = metrics->Serialize();
  EXPECT_THAT(text, HasSubstr("attentiond_batch_requests_bucket{model=\"demo\",le=\"2\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("attentiond_batch_requests_bucket{model=\"demo\",le=\"4\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("attentiond_batch_tokens_bucket{model=\"demo\",le=\"32\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("attentiond_batch_tokens_bucket{model=\"demo\",le=\"64\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("attentiond_compute_duration_seconds_sum{model=\"demo\"} 0.002\n"));
  EXPECT_THAT(text, HasSubstr("attentiond_queue_duration_seconds_count{model=\"demo\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("attentiond_tokenize_duration_seconds_count{model=\"demo\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("attentiond_tokens_total{kind=\"input\",model=\"demo\"} 40\n"));
}

TEST(MetricsTest, EveryDropReasonHasItsLabel) {
  const auto metrics = MakeMetrics();
  const auto model = metrics->ForModel("demo", "embedding");
  const std::pair<DropReason, const char*> reasons[] = {
      {DropReason::kQueueFull, "queue_full"},
      {DropReason::kDeadlineBeforeQueue, "deadline_before_queue"},
      {DropReason::kDeadlineInQueue, "deadline_in_queue"},
      {DropReason::kCancelled, "cancelled"},
      {DropReason::kShutDown, "shut_down"},
  };
  const std::string before = metrics->Serialize();
  int64_t count = 1;
  for (const auto& [reason, label] : reasons) {
    const std::string series =
        absl::StrCat("attentiond_rejected_total{model=\"demo\",reason=\"", label, "\"} ");
    EXPECT_THAT(before, HasSubstr(absl::StrCat(series, "0\n")));
    model->OnDropped(reason, ++count);
    EXPECT_THAT(metrics->Serialize(), HasSubstr(absl::StrCat(series, count, "\n")));
  }
}

TEST(MetricsTest, RefusalsOfTheWholeServerHaveNoModel) {
  const auto metrics = MakeMetrics();
  for (const auto& [reason, label] :
       {std::pair(DropReason::kQueueFull, "queue_full"), {DropReason::kShutDown, "shut_down"}}) {
    const std::string series =
        absl::StrCat("attentiond_rejected_total{model=\"\",reason=\"", label, "\"} ");
    EXPECT_THAT(metrics->Serialize(), HasSubstr(series + "0\n"));
    metrics->ObserveRefusal(reason);
    EXPECT_THAT(metrics->Serialize(), HasSubstr(series + "1\n"));
  }
}

TEST(MetricsTest, AnUnloadedModelIsNotReady) {
  const auto metrics = MakeMetrics();
  const auto model = metrics->ForModel("demo", "embedding");
  model->SetLoaded(absl::Milliseconds(250), /*weight_bytes=*/4096);
  model->SetReady("1", true);
  EXPECT_THAT(metrics->Serialize(),
              HasSubstr("attentiond_model_ready{model=\"demo\",version=\"1\"} 1\n"));
  model->SetReady("1", false);
  const std::string text = metrics->Serialize();
  EXPECT_THAT(text, HasSubstr("attentiond_model_ready{model=\"demo\",version=\"1\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("attentiond_model_load_duration_seconds{model=\"demo\"} 0.25\n"));
  EXPECT_THAT(text, HasSubstr("attentiond_model_weight_bytes{model=\"demo\"} 4096\n"));
}

TEST(MetricsTest, TheQueueIsReadAtEveryScrape) {
  const auto metrics = MakeMetrics();
  const auto model = metrics->ForModel("demo", "embedding");
  int64_t waiting = 7;
  model->SetQueueProbe([&waiting](int64_t* tasks, absl::Duration* oldest) {
    *tasks = waiting++;
    *oldest = absl::Milliseconds(500);
  });
  EXPECT_THAT(metrics->Serialize(), HasSubstr("attentiond_queue_requests{model=\"demo\"} 7\n"));
  const std::string text = metrics->Serialize();
  EXPECT_THAT(text, HasSubstr("attentiond_queue_requests{model=\"demo\"} 8\n"));
  EXPECT_THAT(text, HasSubstr("attentiond_queue_oldest_seconds{model=\"demo\"} 0.5\n"));
  model->SetQueueProbe(nullptr);
  EXPECT_THAT(metrics->Serialize(), HasSubstr("attentiond_queue_requests{model=\"demo\"} 0\n"));
  EXPECT_EQ(waiting, 9);
}

TEST(MetricsTest, SourcesAreReadAtEveryScrape) {
  int64_t periods = 0;
  const auto metrics = MakeMetrics(
      {.kernel_counts =
           [] {
             return std::vector<KernelCount>{{"attention", "brgemm", 5}, {"linear", "ref", 2}};
           },
       .throttled_periods = [&periods] { return ++periods; },
       .cache_bytes = [] { return int64_t{1234}; }});
  EXPECT_THAT(metrics->Serialize(), HasSubstr("attentiond_cpu_throttled_periods_total 1\n"));
  const std::string text = metrics->Serialize();
  EXPECT_THAT(text, HasSubstr("attentiond_cpu_throttled_periods_total 2\n"));
  EXPECT_THAT(text, HasSubstr("attentiond_cache_bytes 1234\n"));
  EXPECT_THAT(
      text, HasSubstr("attentiond_kernel_dispatch_total{op=\"attention\",kernel=\"brgemm\"} 5\n"));
  EXPECT_THAT(text,
              HasSubstr("attentiond_kernel_dispatch_total{op=\"linear\",kernel=\"ref\"} 2\n"));
}

TEST(MetricsTest, CountsRowsThatWereNotComputed) {
  const auto metrics = MakeMetrics();
  const auto model = metrics->ForModel("demo", "embedding");
  model->OnCacheLookups(3, 2);
  model->OnCacheLookups(1, 0);
  model->OnCoalesced(1);
  const std::string text = metrics->Serialize();
  EXPECT_THAT(text, HasSubstr("attentiond_cache_hits_total{model=\"demo\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("attentiond_cache_misses_total{model=\"demo\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("attentiond_coalesced_rows_total{model=\"demo\"} 1\n"));
}

TEST(MetricsTest, SeriesOutliveTheirRegistry) {
  auto metrics = MakeMetrics();
  const auto model = metrics->ForModel("demo", "embedding");
  metrics.reset();
  // Work that was accepted before an unload records its end whenever it comes.
  model->ObserveRequest("Embed", "OK", absl::Milliseconds(1));
  model->SetReady("1", false);
}

TEST(MetricsTest, ConcurrentRecordingLosesNothing) {
  constexpr int kThreads = 4;
  constexpr int kRequests = 2'000;
  const auto metrics = MakeMetrics();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&metrics] {
      for (int request = 0; request < kRequests; ++request) {
        const auto model = metrics->ForModel("demo", "embedding");
        metrics->AddInFlight(1);
        model->ObserveRequest("Embed", request % 2 == 0 ? "OK" : "CANCELLED",
                              absl::Milliseconds(1));
        model->AddTokens("input", 2);
        metrics->AddInFlight(-1);
        if (request % 500 == 0) {
          EXPECT_FALSE(metrics->Serialize().empty());
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string text = metrics->Serialize();
  for (const char* code : {"OK", "CANCELLED"}) {
    const std::string labels =
        absl::StrCat("{code=\"", code, "\",method=\"Embed\",model=\"demo\",task=\"embedding\"} ");
    EXPECT_THAT(text, HasSubstr(absl::StrCat("attentiond_requests_total", labels,
                                             kThreads * kRequests / 2, "\n")));
    EXPECT_THAT(text, HasSubstr(absl::StrCat("attentiond_request_duration_seconds_count", labels,
                                             kThreads * kRequests / 2, "\n")));
  }
  EXPECT_THAT(text,
              HasSubstr(absl::StrCat("attentiond_tokens_total{kind=\"input\",model=\"demo\"} ",
                                     2 * kThreads * kRequests, "\n")));
  EXPECT_THAT(text, HasSubstr("attentiond_in_flight_requests 0\n"));
}

}  // namespace
}  // namespace attentiond
