// Raw BYTES and typed contents: exact sizes, the right field, nothing past the end.
#include "server/grpc/tensor_contents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "tests/testing/infer_request.h"

namespace attentiond {
namespace {

using inference::InferTensorContents;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::RawBytes;

TEST(SplitRawBytesTest, ElementsOfAnyLength) {
  const std::string raw = RawBytes({"one", "", std::string("\0x", 2)});
  const auto elements = SplitRawBytes(raw, 3);
  ASSERT_TRUE(elements.ok()) << elements.status();
  EXPECT_THAT(*elements, ElementsAre("one", "", absl::string_view("\0x", 2)));
  EXPECT_EQ((*elements)[0].data(), raw.data() + 4) << "a view, not a copy";
}

TEST(SplitRawBytesTest, NoElements) {
  EXPECT_TRUE(SplitRawBytes("", 0).ok());
  EXPECT_FALSE(SplitRawBytes("", 1).ok());
  EXPECT_FALSE(SplitRawBytes("x", 0).ok());
}

TEST(SplitRawBytesTest, RefusesEveryTruncation) {
  const std::string raw = RawBytes({"one", "three"});
  for (size_t bytes = 0; bytes < raw.size(); ++bytes) {
    EXPECT_FALSE(SplitRawBytes(absl::string_view(raw).substr(0, bytes), 2).ok()) << bytes;
  }
  EXPECT_THAT(SplitRawBytes(raw + "y", 2).status().message(), HasSubstr("1 bytes after"));
  EXPECT_THAT(SplitRawBytes(raw, 1).status().message(), HasSubstr("9 bytes after"));
}

TEST(SplitRawBytesTest, RefusesLengthsPastTheEnd) {
  for (const uint32_t length : {4u, 0x7fffffffu, 0xffffffffu}) {
    std::string raw(reinterpret_cast<const char*>(&length), sizeof(length));
    raw += "abc";
    EXPECT_THAT(SplitRawBytes(raw, 1).status().message(),
                HasSubstr("its length is " + std::to_string(length)));
  }
}

TEST(SplitRawBytesTest, AHugeCountAllocatesNothing) {
  EXPECT_FALSE(SplitRawBytes("abcdefgh", std::numeric_limits<int64_t>::max()).ok());
}

TEST(TypedElementsTest, TakesTheFieldOfTheType) {
  InferTensorContents floats;
  floats.add_fp32_contents(1.5f);
  floats.add_fp32_contents(2.5f);
  const auto elements = TypedElements(floats, DType::kF32, 2);
  ASSERT_TRUE(elements.ok()) << elements.status();
  EXPECT_EQ(*elements, floats.fp32_contents().data());

  InferTensorContents bools;
  bools.add_bool_contents(true);
  EXPECT_TRUE(TypedElements(bools, DType::kBool, 1).ok());
  InferTensorContents ints;
  ints.add_int_contents(-1);
  EXPECT_TRUE(TypedElements(ints, DType::kI32, 1).ok());
  InferTensorContents longs;
  longs.add_int64_contents(-1);
  EXPECT_TRUE(TypedElements(longs, DType::kI64, 1).ok());
}

TEST(TypedElementsTest, RefusesAnotherField) {
  InferTensorContents contents;
  contents.add_int64_contents(1);
  EXPECT_THAT(TypedElements(contents, DType::kF32, 1).status().message(),
              AllOf(HasSubstr("int64_contents"), HasSubstr("fp32_contents")));
  contents.add_fp32_contents(1);
  EXPECT_FALSE(TypedElements(contents, DType::kF32, 1).ok()) << "both are filled";
  EXPECT_FALSE(TypedElements(contents, DType::kI64, 1).ok()) << "both are filled";
}

TEST(TypedElementsTest, RefusesAnotherCount) {
  InferTensorContents contents;
  EXPECT_TRUE(TypedElements(contents, DType::kF32, 0).ok());
  EXPECT_FALSE(TypedElements(contents, DType::kF32, 1).ok());
  contents.add_fp32_contents(1);
  EXPECT_THAT(TypedElements(contents, DType::kF32, 3).status().message(),
              AllOf(HasSubstr("1 elements"), HasSubstr("3")));
  EXPECT_FALSE(TypedElements(contents, DType::kF32, 0).ok());
}

TEST(TypedElementsTest, SixteenBitFloatsAreRawOnly) {
  for (const DType dtype : {DType::kF16, DType::kBF16}) {
    EXPECT_THAT(TypedElements(InferTensorContents(), dtype, 0).status().message(),
                HasSubstr("raw_input_contents"));
  }
}

TEST(TypedBytesTest, OneEntryPerElement) {
  InferTensorContents contents;
  contents.add_bytes_contents("one");
  contents.add_bytes_contents("");
  const auto elements = TypedBytes(contents, 2);
  ASSERT_TRUE(elements.ok()) << elements.status();
  EXPECT_THAT(*elements, ElementsAre("one", ""));
  EXPECT_FALSE(TypedBytes(contents, 1).ok());
  contents.add_int_contents(1);
  EXPECT_FALSE(TypedBytes(contents, 2).ok());
}

TEST(HasElementsTest, SeesEveryField) {
  InferTensorContents contents;
  EXPECT_FALSE(HasElements(contents));
  contents.add_uint64_contents(0);
  EXPECT_TRUE(HasElements(contents));
}

}  // namespace
}  // namespace attentiond
