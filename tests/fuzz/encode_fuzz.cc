// tests/fuzz/encode_fuzz.cc -- any bytes as a text and its pair.
//
// Input: a byte of options, a byte for the longest encoding, a byte that says where the pair
// begins (in 256ths of the rest), then the text.
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "core/text/tokenizer_json.h"
#include "core/text/unicode.h"
#include "tests/fuzz/encoding_invariants.h"
#include "tests/testing/small_tokenizer_json.h"

namespace attentiond {
namespace {

std::unique_ptr<Tokenizer> Build(const nlohmann::json& contents) {
  auto tokenizer = BuildTokenizer(contents, /*model_max_length=*/0);
  ATTENTIOND_CHECK(tokenizer.ok());
  return *std::move(tokenizer);
}

// Every kind of added token.
std::unique_ptr<Tokenizer> MakeTokenizer(bool lowercase) {
  nlohmann::json contents = testing::SmallTokenizerJson();
  contents["normalizer"]["lowercase"] = lowercase;
  nlohmann::json& added = contents["added_tokens"];
  added.push_back({{"id", 20}, {"content", "<l>"}, {"lstrip", true}, {"normalized", false}});
  added.push_back({{"id", 21}, {"content", "<r>"}, {"rstrip", true}, {"normalized", true}});
  added.push_back({{"id", 22}, {"content", "word"}, {"single_word", true}});
  added.push_back({{"id", 23}, {"content", "École 你"}, {"lstrip", true}, {"rstrip", true}});
  return Build(contents);
}

void CheckErrors(const absl::Status& status, absl::string_view text, absl::string_view pair,
                 const EncodeOptions& options) {
  ATTENTIOND_CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  const bool well_formed = !FindInvalidUtf8(text).has_value() && !FindInvalidUtf8(pair).has_value();
  ATTENTIOND_CHECK(!well_formed || options.max_length > 0);
}

}  // namespace
}  // namespace attentiond

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
  static const attentiond::Tokenizer* const tokenizers[] = {
      attentiond::MakeTokenizer(false).release(),
      attentiond::MakeTokenizer(true).release(),
      attentiond::Build(attentiond::testing::SmallByteLevelJson()).release(),
      attentiond::Build(attentiond::testing::SmallUnigramJson()).release(),
  };
  if (size < 3) return 0;
  const attentiond::Tokenizer& tokenizer =
      *tokenizers[(input[0] & 1) | (((input[0] >> 4) & 1) << 1)];
  const attentiond::EncodeOptions options = {
      .add_special_tokens = (input[0] & 2) != 0,
      .max_length = input[1],
      .truncate = (input[0] & 4) != 0,
      .truncation_side = (input[0] & 32) != 0 ? attentiond::TruncationSide::kLeft
                                              : attentiond::TruncationSide::kRight};
  const bool has_pair = (input[0] & 8) != 0;
  const absl::string_view all(reinterpret_cast<const char*>(input) + 3, size - 3);
  const size_t pair_begin = has_pair ? all.size() * input[2] / 256 : all.size();
  const absl::string_view text = all.substr(0, pair_begin);
  const absl::string_view pair = all.substr(pair_begin);

  const auto encoding = tokenizer.Encode(
      text, has_pair ? std::optional<absl::string_view>(pair) : std::nullopt, options);
  if (encoding.ok()) {
    attentiond::testing::CheckEncoding(tokenizer, *encoding, text, pair, options);
  } else {
    attentiond::CheckErrors(encoding.status(), text, pair, options);
  }
  return 0;
}
