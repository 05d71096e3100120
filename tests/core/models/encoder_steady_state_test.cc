// What an encoder does when it has seen its largest batch: the same bits for a row whatever it is
// batched with and however many threads there are, and no memory or kernel made.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "core/models/encoder.h"
#include "core/onednn/context.h"
#include "core/onednn/isa.h"
#include "tests/testing/random_encoder.h"

namespace {

// What oneDNN's micro-kernels allocate at each run, for the description of one product.
constexpr size_t kMicroKernelBytes = 40;

std::atomic<bool> counting{false};
std::atomic<int64_t> allocations{0};

void* Allocate(size_t size) {
  if (counting && size != kMicroKernelBytes) ++allocations;
  void* const memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(size_t size) { return Allocate(size); }
void* operator new[](size_t size) { return Allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

namespace attentiond {
namespace {

using ::attentiond::testing::EncoderSizes;
using ::attentiond::testing::RandomEncoder;
using ::attentiond::testing::TemporaryDirectory;

// Heads of 64 and whole panels of 48 columns, as real encoders have them.
constexpr EncoderSizes kSizes = {.hidden_size = 192,
                                 .num_layers = 2,
                                 .num_heads = 3,
                                 .intermediate_size = 768,
                                 .vocab_size = 50,
                                 .max_positions = 150};

class Batch {
 public:
  void Add(int64_t length, int32_t seed) {
    for (int32_t i = 0; i < length; ++i) {
      ids_.push_back((seed + i * 7) % 50);
      types_.push_back(i % 2);
      positions_.push_back(i);
    }
    cumulative_.push_back(static_cast<int64_t>(ids_.size()));
  }
  /// Of the first so many rows the first token is enough.
  EncoderBatch get(size_t first_token_rows) const {
    return {.ids = ids_,
            .type_ids = types_,
            .positions = positions_,
            .cumulative = cumulative_,
            .attentions = {},
            .first_token_rows = first_token_rows};
  }

 private:
  std::vector<int32_t> ids_, types_, positions_;
  std::vector<int64_t> cumulative_ = {0};
};

// Parameter: the compute type.
class EncoderSteadyStateTest : public ::testing::TestWithParam<DType> {
 protected:
  void SetUp() override {
    if (!onednn::HasMicroKernels(GetParam())) {
      GTEST_SKIP() << onednn::IsaName() << " has no micro-kernels of " << Name(GetParam());
    }
    const TemporaryDirectory directory;
    RandomEncoder(*FindEncoderFamily("bert"), kSizes, false).WriteTo(directory);
    const auto checkpoint = Checkpoint::Open(directory.path());
    ASSERT_TRUE(checkpoint.ok());
    const auto config = ParseEncoderConfig(*FindEncoderFamily("bert"), (*checkpoint)->config());
    ASSERT_TRUE(config.ok());
    WeightLoader loader(checkpoint->get());
    auto encoder = Encoder::Load(*config, GetParam(), &loader);
    ASSERT_TRUE(encoder.ok()) << encoder.status();
    encoder_.emplace(*std::move(encoder));
  }

  std::string Run(const Batch& batch, size_t first_token_rows, ExecutionContext& context) const {
    const auto hidden = encoder_->Run(batch.get(first_token_rows), context);
    EXPECT_TRUE(hidden.ok()) << hidden.status();
    return {static_cast<const char*>(hidden->data), hidden->num_bytes()};
  }

  std::optional<Encoder> encoder_;
};

const std::vector<int64_t> kLengths = {1, 2, 5, 16, 17, 31, 32, 33, 64, 100, 128, 150};

TEST_P(EncoderSteadyStateTest, ARowHasTheSameBitsInEveryBatch) {
  ThreadPool one_thread(1), two_threads(2);
  ExecutionContext one(&one_thread), two(&two_threads);
  Batch batch;
  for (size_t i = 0; i < kLengths.size(); ++i) batch.Add(kLengths[i], static_cast<int32_t>(i));
  for (const size_t first_token_rows : {size_t{0}, kLengths.size() / 2, kLengths.size()}) {
    const std::string together = Run(batch, first_token_rows, two);
    EXPECT_TRUE(Run(batch, first_token_rows, one) == together) << "one thread and two";
    size_t begin = 0;
    for (size_t i = 0; i < kLengths.size(); ++i) {
      Batch row;
      row.Add(kLengths[i], static_cast<int32_t>(i));
      const std::string alone = Run(row, i < first_token_rows ? 1 : 0, one);
      EXPECT_TRUE(alone == together.substr(begin, alone.size())) << "row of " << kLengths[i];
      begin += alone.size();
    }
    EXPECT_EQ(begin, together.size());
  }
}

TEST_P(EncoderSteadyStateTest, NothingIsMadeAnew) {
  ThreadPool threads(2);
  ExecutionContext context(&threads);
  const auto run = [&](const Batch& rows, size_t first_token_rows) {
    const EncoderBatch batch = rows.get(first_token_rows);
    counting = true;
    const bool ok = encoder_->Run(batch, context).ok();
    counting = false;
    EXPECT_TRUE(ok);
  };
  const auto run_all = [&] {
    Batch all;
    for (const int64_t length : kLengths) {
      Batch row;
      row.Add(length, 1);
      run(row, 0);
      run(row, 1);
      all.Add(length, 3);
    }
    for (size_t rows = 0; rows <= kLengths.size(); ++rows) run(all, rows);
  };
  run_all();
  const auto kernels_made = context.onednn().kernels().statistics().misses;
  allocations = 0;
  run_all();
  EXPECT_EQ(context.onednn().kernels().statistics().misses, kernels_made);
  EXPECT_EQ(allocations, 0);
}

INSTANTIATE_TEST_SUITE_P(DTypes, EncoderSteadyStateTest,
                         ::testing::Values(DType::kF32, DType::kBF16),
                         [](const auto& dtype) { return std::string(Name(dtype.param)); });

}  // namespace
}  // namespace attentiond
