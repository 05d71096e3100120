// tests/fuzz/tokenizer_json_fuzz.cc -- any bytes as a tokenizer.json, which then encodes a fixed
// text.
#include <cstdint>

#include "core/text/tokenizer_json.h"
#include "core/weights/json_file.h"
#include "tests/fuzz/encoding_invariants.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
  constexpr absl::string_view kText = "A cab, [SEP] ab<x>  École 你好 e\u0301\u0323\u200b abcabc.";
  constexpr absl::string_view kPair = "b [CLS]c\tab";
  const auto json = attentiond::ParseJson({reinterpret_cast<const char*>(input), size});
  if (!json.ok()) return 0;
  const auto tokenizer = attentiond::BuildTokenizer(*json, /*model_max_length=*/0);
  if (!tokenizer.ok()) {
    ATTENTIOND_CHECK(tokenizer.status().message().find('\n') == absl::string_view::npos);
    return 0;
  }
  for (const bool add_special_tokens : {true, false}) {
    const attentiond::EncodeOptions all = {.add_special_tokens = add_special_tokens};
    const auto encoding = (*tokenizer)->Encode(kText, kPair, all);
    if (!encoding.ok()) {  // a character that nothing stands for, rules without end
      ATTENTIOND_CHECK(encoding.status().code() == absl::StatusCode::kInvalidArgument);
      continue;
    }
    attentiond::testing::CheckEncoding(**tokenizer, *encoding, kText, kPair, all);

    const attentiond::EncodeOptions cut = {
        .add_special_tokens = add_special_tokens,
        .max_length = 9,
        .truncate = true,
        .truncation_side = add_special_tokens ? attentiond::TruncationSide::kLeft
                                              : attentiond::TruncationSide::kRight};
    const auto truncated = (*tokenizer)->Encode(kText, kPair, cut);
    if (!truncated.ok()) continue;  // the special tokens alone may be more than nine
    attentiond::testing::CheckEncoding(**tokenizer, *truncated, kText, kPair, cut);
  }
  return 0;
}
