#include "core/engine/text_encoder_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/onednn/context.h"
#include "core/ops/workspace.h"
#include "tests/testing/expect_near.h"
#include "tests/testing/golden_model.h"
#include "tests/testing/random_encoder.h"

namespace attentiond {
namespace {

using ::attentiond::testing::CheckpointBuilder;
using ::attentiond::testing::ExpectNear;
using ::attentiond::testing::RandomEncoder;
using ::attentiond::testing::TemporaryDirectory;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const EncoderFamily& Bert() { return *FindEncoderFamily("bert"); }

class TextEncoderModelTest : public ::testing::Test {
 protected:
  std::shared_ptr<const Model> Load(const CheckpointBuilder& builder) {
    builder.WriteTo(directory_);
    auto model = LoadModel(directory_.path(), {.precision = LoadOptions::Precision::kF32});
    EXPECT_TRUE(model.ok()) << model.status();
    return *std::move(model);
  }

  std::vector<EncoderRowResult> Run(const Model& model, const std::vector<EncoderRow>& rows) {
    std::vector<EncoderRowResult> results(3);  // whatever was there goes
    const absl::Status status = model.AsTextEncoder()->Run(rows, context_, &results);
    EXPECT_TRUE(status.ok()) << status;
    return results;
  }

  TemporaryDirectory directory_;
  ThreadPool threads_{2};
  ExecutionContext context_{&threads_};
  const std::vector<int32_t> ids_ = {1, 2, 3, 4, 5};
};

TEST_F(TextEncoderModelTest, GivesWhatIsAskedForAndNothingElse) {
  const auto model = Load(RandomEncoder(Bert(), {}, true));
  EncoderRow nothing, logits, hidden_state, embedding, attentions;
  for (EncoderRow* row : {&nothing, &logits, &hidden_state, &embedding, &attentions}) {
    row->ids = ids_;
  }
  logits.want_logits = true;
  hidden_state.want_hidden_state = true;
  embedding.want_embedding = true;
  attentions.want_attentions = true;
  const auto results = Run(*model, {nothing, attentions, logits, hidden_state, embedding});
  ASSERT_THAT(results, SizeIs(5));
  const size_t sizes[5][4] = {
      {0, 0, 0, 0}, {0, 0, 0, 2 * 3 * 25}, {3, 0, 0, 0}, {0, 0, 5 * 24, 0}, {0, 24, 0, 0}};
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_THAT(results[i].logits, SizeIs(sizes[i][0])) << i;
    EXPECT_THAT(results[i].embedding, SizeIs(sizes[i][1])) << i;
    EXPECT_THAT(results[i].hidden_state, SizeIs(sizes[i][2])) << i;
    EXPECT_THAT(results[i].attentions, SizeIs(sizes[i][3])) << i;
  }
}

TEST_F(TextEncoderModelTest, RunsNoRows) {
  const auto model = Load(RandomEncoder(Bert(), {}, false));
  EXPECT_THAT(Run(*model, {}), IsEmpty());
}

TEST_F(TextEncoderModelTest, PoolsAsTheCheckpointSays) {
  EncoderRow by_default, mean, cls;
  for (EncoderRow* row : {&by_default, &mean, &cls}) {
    row->ids = ids_;
    row->want_embedding = true;
  }
  mean.pooling = Pooling::kMean;
  cls.pooling = Pooling::kCls;
  {
    const auto results = Run(*Load(RandomEncoder(Bert(), {}, false)), {by_default, mean, cls});
    EXPECT_EQ(results[0].embedding, results[1].embedding);
    EXPECT_NE(results[0].embedding, results[2].embedding);
  }
  directory_.Write("1_Pooling/config.json", R"({"pooling_mode_cls_token": true})");
  {
    const auto results = Run(*Load(RandomEncoder(Bert(), {}, false)), {by_default, mean, cls});
    EXPECT_NE(results[0].embedding, results[1].embedding);
    EXPECT_EQ(results[0].embedding, results[2].embedding);
  }
}

TEST_F(TextEncoderModelTest, CutsAndNormalizesEmbeddings) {
  const auto model = Load(RandomEncoder(Bert(), {}, false));
  EncoderRow raw, cut, unit;
  for (EncoderRow* row : {&raw, &cut, &unit}) {
    row->ids = ids_;
    row->want_embedding = true;
  }
  raw.normalize = cut.normalize = false;
  cut.dimensions = 7;
  const auto results = Run(*model, {raw, cut, unit});
  ExpectNear(results[1].embedding, absl::MakeConstSpan(results[0].embedding).first(7), 0, "cut");
  double squares = 0;
  for (const float value : results[2].embedding) squares += double{value} * value;
  EXPECT_NEAR(squares, 1.0, 1e-6);
}

TEST_F(TextEncoderModelTest, TypesAndPositionsDefaultToZerosAndTheirPlaces) {
  const auto model = Load(RandomEncoder(Bert(), {}, false));
  const std::vector<int32_t> zeros(5, 0);
  const std::vector<int32_t> places = {0, 1, 2, 3, 4};
  EncoderRow implicit, explicit_row;
  implicit.ids = explicit_row.ids = ids_;
  explicit_row.type_ids = zeros;
  explicit_row.positions = places;
  implicit.want_hidden_state = explicit_row.want_hidden_state = true;
  const auto results = Run(*model, {implicit, explicit_row});
  EXPECT_EQ(results[0].hidden_state, results[1].hidden_state);
}

TEST_F(TextEncoderModelTest, ReusesItsMemoryAndKernelsOnceWarm) {
  const auto model = Load(RandomEncoder(Bert(), {}, true));
  EncoderRow row;
  row.ids = ids_;
  row.want_logits = true;
  Run(*model, {row, row, row});
  const size_t warm = context_.workspace().total_bytes();
  const int64_t kernels_made = context_.onednn().kernels().statistics().misses;
  EXPECT_GT(warm, 0u);
  Run(*model, {row, row, row});
  EXPECT_EQ(context_.workspace().total_bytes(), warm);
  EXPECT_EQ(context_.onednn().kernels().statistics().misses, kernels_made);
  Run(*model, {row});  // smaller: no more memory, whatever kernels it takes
  EXPECT_EQ(context_.workspace().total_bytes(), warm);
}

}  // namespace
}  // namespace attentiond
