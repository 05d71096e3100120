#include "core/ops/int8_kernels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "core/reference/quantized_linear.h"
#include "tests/testing/random_tensor.h"

namespace attentiond {
namespace {

using testing::RandomTensor;
using testing::ToFloats;

// The pieces of a row of `x`, one after the other.
std::vector<uint8_t> Pieces(const TensorView& x, float* scale, int64_t gap = 0) {
  const auto num_pieces = static_cast<size_t>((x.num_elements() + kInt8Piece - 1) / kInt8Piece);
  const auto stride = static_cast<size_t>(kInt8Piece + gap);
  std::vector<uint8_t> written(num_pieces * stride + 1, 77), pieces;
  *scale = QuantizeRow(x.data, x.dtype, x.num_elements(), written.data(), kInt8Piece + gap);
  for (size_t i = 0; i < written.size(); ++i) {
    if (i % stride < kInt8Piece && i + 1 < written.size()) {
      pieces.push_back(written[i]);
    } else {
      EXPECT_EQ(written[i], 77) << "written at " << i;
    }
  }
  return pieces;
}

// Where each value of a piece is stored: found by quantising rows with a single one.
const std::vector<size_t>& PlacesInPiece() {
  static const auto* const places = [] {
    auto* const found = new std::vector<size_t>;
    for (int64_t i = 0; i < kInt8Piece; ++i) {
      std::vector<float> one(kInt8Piece);
      one[static_cast<size_t>(i)] = 1;
      float scale = 0;
      const auto piece = Pieces({one.data(), DType::kF32, Shape({kInt8Piece})}, &scale);
      for (size_t at = 0; at < piece.size(); ++at) {
        if (piece[at] == kInt8Zero + 127) found->push_back(at);
      }
    }
    return found;
  }();
  return *places;
}

TEST(QuantizeRowPlacesTest, EachValueHasAPlaceOfItsOwn) {
  std::vector<size_t> places = PlacesInPiece();
  std::sort(places.begin(), places.end());
  ASSERT_EQ(places.size(), size_t{kInt8Piece});
  for (size_t i = 0; i < places.size(); ++i) EXPECT_EQ(places[i], i);
}

class QuantizeRowTest : public ::testing::TestWithParam<DType> {
 protected:
  static void ExpectTheReference(const Tensor& x, int64_t gap = 0) {
    const reference::QuantizedRow expected = reference::Quantize(ToFloats(x.view()));
    float scale = 0;
    const std::vector<uint8_t> pieces = Pieces(x.view(), &scale, gap);
    std::vector<int8_t> actual(pieces.size());
    for (size_t i = 0; i < pieces.size(); ++i) {
      const size_t begin = i / kInt8Piece * kInt8Piece;
      actual[i] = static_cast<int8_t>(pieces[begin + PlacesInPiece()[i % kInt8Piece]] - kInt8Zero);
    }
    std::vector<int8_t> filled = expected.values;
    filled.resize(pieces.size());
    EXPECT_EQ(actual, filled);
    EXPECT_EQ(std::memcmp(&scale, &expected.scale, sizeof(float)), 0)
        << scale << ", expected " << expected.scale;
  }

  // A row with `value` at `place`.
  static Tensor With(int64_t size, int64_t place, float value) {
    Tensor x = RandomTensor(GetParam(), {size}, 3);
    StoreElement(x.mutable_view().data, GetParam(), place, value);
    return x;
  }
};

TEST_P(QuantizeRowTest, EqualsTheReference) {
  for (int64_t size = 1; size <= 150; ++size) {
    for (const float magnitude : {1.0f, 1e-20f, 1e-31f, 1e-42f, 1e20f, 3e38f}) {
      ExpectTheReference(RandomTensor(GetParam(), {size}, static_cast<unsigned>(size), magnitude));
    }
  }
  ExpectTheReference(RandomTensor(GetParam(), {5000}, 1));
}

TEST_P(QuantizeRowTest, PiecesMayLieApart) {
  for (const int64_t size : {1, 64, 130, 768}) {
    ExpectTheReference(RandomTensor(GetParam(), {size}, 1), 31 * kInt8Piece);
  }
  ExpectTheReference(RandomTensor(GetParam(), {130}, 1, 0), 5);
}

TEST_P(QuantizeRowTest, FindsTheLargestWhereverItIs) {
  for (int64_t place = 0; place < 67; ++place) {
    ExpectTheReference(With(67, place, -5));
    ExpectTheReference(With(67, place, std::numeric_limits<float>::infinity()));
    ExpectTheReference(With(67, place, std::numeric_limits<float>::quiet_NaN()));
    ExpectTheReference(With(67, place, -std::numeric_limits<float>::quiet_NaN()));
  }
}

TEST_P(QuantizeRowTest, TiesGoToEven) {
  Tensor x(GetParam(), {255});
  for (int i = 0; i < 255; ++i) {
    // Up to 127, which bf16 holds exactly; the largest is 254 so that the scale is 2.
    StoreElement(x.mutable_view().data, GetParam(), i,
                 static_cast<float>(i == 254 ? 254 : i - 127));
  }
  ExpectTheReference(x);
}

TEST_P(QuantizeRowTest, ZerosAreZeros) { ExpectTheReference(RandomTensor(GetParam(), {40}, 1, 0)); }

INSTANTIATE_TEST_SUITE_P(DTypes, QuantizeRowTest, ::testing::Values(DType::kF32, DType::kBF16),
                         [](const auto& dtype) { return std::string(Name(dtype.param)); });

}  // namespace
}  // namespace attentiond
