#include "core/models/encoder.h"

#include <gtest/gtest.h>

#include <numeric>

#include "core/models/float_conversion.h"
#include "tests/testing/expect_near.h"
#include "tests/testing/random_encoder.h"

namespace attentiond {
namespace {

using ::attentiond::testing::CheckpointBuilder;
using ::attentiond::testing::EncoderSizes;
using ::attentiond::testing::ExpectNear;
using ::attentiond::testing::RandomEncoder;
using ::attentiond::testing::TemporaryDirectory;

absl::StatusOr<Encoder> LoadFrom(const CheckpointBuilder& builder, DType compute) {
  const TemporaryDirectory directory;
  builder.WriteTo(directory);
  const auto checkpoint = Checkpoint::Open(directory.path());
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
  const auto& json = (*checkpoint)->config();
  const auto config =
      ParseEncoderConfig(*FindEncoderFamily(json.at("model_type").get<std::string>()), json);
  EXPECT_TRUE(config.ok()) << config.status();
  WeightLoader loader(checkpoint->get());
  return Encoder::Load(*config, compute, &loader);  // the files are gone when it runs
}

Encoder MustLoad(const CheckpointBuilder& builder, DType compute = DType::kF32) {
  absl::StatusOr<Encoder> encoder = LoadFrom(builder, compute);
  EXPECT_TRUE(encoder.ok()) << encoder.status();
  return *std::move(encoder);
}

// Rows of tokens, made ragged.
struct Rows {
  std::vector<int32_t> ids, type_ids, positions;
  std::vector<int64_t> cumulative = {0};

  void Add(absl::Span<const int32_t> row) {
    for (size_t i = 0; i < row.size(); ++i) {
      ids.push_back(row[i]);
      type_ids.push_back(static_cast<int32_t>(i % 2));
      positions.push_back(static_cast<int32_t>(i));
    }
    cumulative.push_back(static_cast<int64_t>(ids.size()));
  }
  EncoderBatch batch(absl::Span<float* const> attentions = {}) const {
    return {.ids = ids,
            .type_ids = type_ids,
            .positions = positions,
            .cumulative = cumulative,
            .attentions = attentions};
  }
};

class EncoderTest : public ::testing::TestWithParam<const char*> {
 protected:
  const EncoderFamily& family() const { return *FindEncoderFamily(GetParam()); }

  std::vector<float> Run(const Encoder& encoder, const EncoderBatch& batch) {
    const auto hidden = encoder.Run(batch, context_);
    EXPECT_TRUE(hidden.ok()) << hidden.status();
    std::vector<float> floats(static_cast<size_t>(hidden->num_elements()));
    ToFloats(*hidden, 0, absl::MakeSpan(floats));
    return floats;
  }

  ThreadPool threads_{2};
  ExecutionContext context_{&threads_};
  // f32 sums of up to 40 products of order 1 in another order, through 2 layers whose norms keep
  // the size of what they get: 2^-24 * 40, with a factor of ten for the depth.
  const float rounding_ = 2e-5f;
};

TEST_P(EncoderTest, NamesWithAndWithoutPrefixAndOldNormsAreTheSameModel) {
  CheckpointBuilder with_prefix = RandomEncoder(family(), {}, true);
  CheckpointBuilder without = RandomEncoder(family(), {}, false);
  CheckpointBuilder old_norms = RandomEncoder(family(), {}, false);
  for (const auto& [name, tensor] : without.tensors) {
    if (name.find("orm.weight") != std::string::npos) {
      const std::string stem = name.substr(0, name.size() - std::string(".weight").size());
      old_norms.Rename(stem + ".weight", stem + ".gamma");
      old_norms.Rename(stem + ".bias", stem + ".beta");
    }
  }
  Rows rows;
  rows.Add({1, 2, 3, 4, 5});
  const std::vector<float> expected = Run(MustLoad(with_prefix), rows.batch());
  EXPECT_EQ(Run(MustLoad(without), rows.batch()), expected);
  EXPECT_EQ(Run(MustLoad(old_norms), rows.batch()), expected);
}

TEST_P(EncoderTest, ARowDoesNotSeeTheOthers) {
  const Encoder encoder = MustLoad(RandomEncoder(family(), {}, false));
  const std::vector<std::vector<int32_t>> texts = {
      {7}, {1, 2, 3}, {49, 0, 49, 0, 49, 0, 49}, std::vector<int32_t>(20, 5), {8, 9}};
  Rows together;
  for (const auto& text : texts) together.Add(text);
  const std::vector<float> all = Run(encoder, together.batch());
  for (size_t i = 0; i < texts.size(); ++i) {
    Rows alone;
    alone.Add(texts[i]);
    const auto begin = static_cast<size_t>(together.cumulative[i] * 24);
    ExpectNear(absl::MakeConstSpan(all).subspan(begin, texts[i].size() * 24),
               Run(encoder, alone.batch()), rounding_, "row " + std::to_string(i));
  }
}

TEST_P(EncoderTest, PositionsAndTypesCount) {
  const Encoder encoder = MustLoad(RandomEncoder(family(), {}, false));
  Rows rows;
  rows.Add({3, 3, 4});
  const std::vector<float> hidden = Run(encoder, rows.batch());
  Rows moved = rows;
  for (int32_t& position : moved.positions) position += 17;  // up to the last of 20
  EXPECT_NE(Run(encoder, moved.batch()), hidden);
  Rows typed = rows;
  for (int32_t& type : typed.type_ids) type = 1 - type;
  if (family().names.type_embeddings != nullptr) {
    EXPECT_NE(Run(encoder, typed.batch()), hidden);
  } else {
    EXPECT_EQ(Run(encoder, typed.batch()), hidden);
  }
  // Attention is the only way from one token to another: with the tokens their positions and types
  // permuted, the hidden states are permuted and nothing else.
  Rows permuted;
  permuted.ids = {4, 3, 3};
  permuted.type_ids = {0, 1, 0};
  permuted.positions = {2, 1, 0};
  permuted.cumulative = {0, 3};
  const std::vector<float> backwards = Run(encoder, permuted.batch());
  for (size_t token = 0; token < 3; ++token) {
    ExpectNear(absl::MakeConstSpan(backwards).subspan((2 - token) * 24, 24),
               absl::MakeConstSpan(hidden).subspan(token * 24, 24), rounding_, "token");
  }
}

TEST_P(EncoderTest, AttentionsAreDistributionsOfTheRowsThatAsk) {
  const Encoder encoder = MustLoad(RandomEncoder(family(), {}, false));
  Rows rows;
  rows.Add({1, 2, 3});
  rows.Add({4, 5, 6, 7});
  rows.Add({8});
  std::vector<float> four(2 * 3 * 4 * 4, -1.0f);
  std::vector<float> one(2 * 3, -1.0f);
  float* const wanted[] = {four.data(), one.data()};
  const std::vector<float> hidden = Run(encoder, rows.batch(wanted));
  for (size_t query = 0; query < four.size(); query += 4) {
    EXPECT_NEAR(std::accumulate(four.begin() + static_cast<std::ptrdiff_t>(query),
                                four.begin() + static_cast<std::ptrdiff_t>(query) + 4, 0.0f),
                1.0f, 1e-6f);
    for (size_t key = 0; key < 4; ++key) EXPECT_GT(four[query + key], 0.0f);
  }
  for (const float probability : one) EXPECT_FLOAT_EQ(probability, 1.0f);
  ExpectNear(hidden, Run(encoder, rows.batch()), rounding_, "hidden states with attentions");
}

TEST_P(EncoderTest, FirstTokensOnlyAreTheSameFirstTokens) {
  const Encoder encoder = MustLoad(RandomEncoder(family(), {}, false));
  Rows rows;
  rows.Add({1, 2, 3});
  rows.Add({4});
  rows.Add({5, 6, 7, 8, 9});
  const std::vector<float> all = Run(encoder, rows.batch());
  EncoderBatch batch = rows.batch();
  // All rows, and then the third one whole, once with attentions.
  for (const auto& [first_token_rows, tokens] : {std::pair{3u, 3u}, {2u, 7u}}) {
    batch.first_token_rows = first_token_rows;
    const std::vector<float> first = Run(encoder, batch);
    ASSERT_EQ(first.size(), tokens * 24u);
    for (size_t row = 0; row < 3; ++row) {
      const auto begin = static_cast<size_t>(rows.cumulative[row]) * 24;
      const size_t size = row < first_token_rows ? 24 : 5 * 24;
      ExpectNear(absl::MakeConstSpan(first).subspan(row * 24, size),
                 absl::MakeConstSpan(all).subspan(begin, size), rounding_, "first token");
    }
  }
  std::vector<float> probabilities(2 * 3 * 5 * 5);
  float* const wanted[] = {probabilities.data()};
  batch.attentions = wanted;
  ExpectNear(absl::MakeConstSpan(Run(encoder, batch)).subspan(2 * 24),
             absl::MakeConstSpan(all).subspan(4 * 24), rounding_, "the row with attentions");
}

TEST_P(EncoderTest, NamesTheTensorThatIsMissing) {
  for (const auto& [name, tensor] : RandomEncoder(family(), {}, true).tensors) {
    CheckpointBuilder broken = RandomEncoder(family(), {}, true);
    if (name.rfind(family().prefix, 0) != 0 || name.find("pooler") != std::string::npos) continue;
    broken.tensors.erase(name);
    const absl::Status status = LoadFrom(broken, DType::kF32).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_NE(status.message().find("\"" + name + "\""), absl::string_view::npos) << status;
  }
}

INSTANTIATE_TEST_SUITE_P(Families, EncoderTest, ::testing::Values("bert", "distilbert"));

}  // namespace
}  // namespace attentiond
