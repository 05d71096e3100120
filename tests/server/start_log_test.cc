#include "server/start_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace attentiond {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const CpuBudget kBudget = {.quota_cores = 1.5, .affinity_cores = 8, .threads = 2};

std::string StartLogOf(const ServerOptions& options, int threads) {
  std::ostringstream out;
  {
    Logger logger({}, &out);
    LogStart(&logger, options, kBudget, threads,
             {.isa = "avx2", .onednn_version = "3.7.2", .kernels = {"linear f32: a", "b"}});
  }
  return out.str();
}

TEST(StartLogTest, SaysOnWhatItRunsAndWithWhichLimits) {
  EXPECT_THAT(
      StartLogOf({}, 2),
      AllOf(HasSubstr(" info starting version="), HasSubstr(" threads=2 "),
            HasSubstr(" cpu_affinity_cores=8 "), HasSubstr(" cpu_quota_cores=1.5 "),
            HasSubstr(" isa=avx2 "), HasSubstr(" onednn=3.7.2 "),
            HasSubstr(" kernels=\"linear f32: a, b\" "), HasSubstr(" max_batch_tokens=16384 "),
            HasSubstr(" flags=\"\"\n"), Not(HasSubstr(" warning "))));
}

TEST(StartLogTest, WarnsOfMoreThreadsThanProcessors) {
  EXPECT_THAT(StartLogOf({}, 3), HasSubstr(" warning --threads is more than"));
}

TEST(StartLogTest, WarnsOfTokensInTheClear) {
  ServerOptions options;
  options.auth_token_file = "tokens";
  EXPECT_THAT(StartLogOf(options, 2), HasSubstr(" warning tokens are asked for"));
  options.tls_cert = options.tls_key = "file";
  EXPECT_THAT(StartLogOf(options, 2), Not(HasSubstr(" warning ")));
}

TEST(StartLogTest, DescribesWhatIsNotAtItsDefault) {
  EXPECT_EQ(DescribeOptions({}), "");
  ServerOptions options;
  options.models = {{"a", "/a"}, {"b", "/b"}};
  options.max_queue_delay = absl::Milliseconds(5);
  options.dtype = ComputeType::kF32;
  EXPECT_EQ(DescribeOptions(options), "--model=a=/a,b=/b --max-queue-delay=5ms --dtype=f32");
}

TEST(StartLogTest, ModelsAreDescribed) {
  ModelInfo info;
  info.kind = ModelKind::kEmbedding;
  info.architecture = "bert";
  info.compute = DType::kBF16;
  info.num_layers = 6;
  info.weight_bytes = 4096;
  info.tokenizer = "vocab.txt";
  std::ostringstream out;
  {
    Logger logger({}, &out);
    LogModel(&logger, "/models/a", info, absl::Milliseconds(250));
  }
  EXPECT_THAT(out.str(),
              AllOf(HasSubstr(" info model loaded directory=/models/a kind=embedding "),
                    HasSubstr(" architecture=bert dtype=bf16 layers=6 "),
                    HasSubstr(" tokenizer=vocab.txt weight_bytes=4096 load_seconds=0.25\n")));
}

TEST(StartLogTest, SaysHowNearInt8IsAndWarnsWhenItIsFar) {
  const auto log_of = [](double cosine) {
    ModelInfo info;
    info.compute = DType::kI8;
    info.int8_cosine = cosine;
    std::ostringstream out;
    {
      Logger logger({}, &out);
      LogModel(&logger, "/models/a", info, absl::ZeroDuration());
    }
    return out.str();
  };
  EXPECT_THAT(log_of(0.9975), AllOf(HasSubstr(" dtype=int8 "), HasSubstr(" int8_cosine=0.9975\n"),
                                    Not(HasSubstr(" warning "))));
  EXPECT_THAT(log_of(0.985), AllOf(HasSubstr(" warning int8 changes what this model computes"),
                                   HasSubstr(" directory=/models/a int8_cosine=0.985\n")));
}

}  // namespace
}  // namespace attentiond
