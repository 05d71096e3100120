// tests/fuzz/tokenize_lines.cc -- what our tokenizer makes of texts, for a script to compare.
//
// usage: tokenize_lines DIRECTORY < CASES > RESULTS
// A case is a line of JSON, {"text", "pair", "special": bool, "max_length", "left": bool}, or
// {"ids": [...]} to decode. A result is {"ids", "type_ids", "sequence", "offsets": [begin, end,
// ...] in bytes, "decoded", "decoded_plain": without special tokens}, or {"error"}.
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/text/tokenizer.h"

namespace attentiond {
namespace {

using nlohmann::json;

void Decode(const Tokenizer& tokenizer, const std::vector<int32_t>& ids, json* result) {
  const auto decoded = tokenizer.Decode(ids, /*skip_special_tokens=*/false);
  const auto plain = tokenizer.Decode(ids, /*skip_special_tokens=*/true);
  if (!decoded.ok() || !plain.ok()) {
    (*result)["error"] =
        std::string(decoded.ok() ? plain.status().message() : decoded.status().message());
    return;
  }
  (*result)["decoded"] = *decoded;
  (*result)["decoded_plain"] = *plain;
}

json Run(const Tokenizer& tokenizer, const json& line) {
  json result = json::object();
  if (line.contains("ids")) {
    Decode(tokenizer, line.at("ids").get<std::vector<int32_t>>(), &result);
    return result;
  }
  const std::string text = line.at("text");
  const std::string pair = line.value("pair", "");
  const EncodeOptions options = {.add_special_tokens = line.value("special", true),
                                 .max_length = line.value("max_length", int64_t{0}),
                                 .truncate = true,
                                 .truncation_side = line.value("left", false)
                                                        ? TruncationSide::kLeft
                                                        : TruncationSide::kRight};
  const auto encoding = tokenizer.Encode(
      text, line.contains("pair") ? std::optional<absl::string_view>(pair) : std::nullopt, options);
  if (!encoding.ok()) return {{"error", std::string(encoding.status().message())}};
  std::vector<int64_t> offsets;
  for (const Encoding::Offset& offset : encoding->offsets) {
    offsets.insert(offsets.end(), {offset.begin, offset.end});
  }
  result = {{"ids", encoding->ids},
            {"type_ids", encoding->type_ids},
            {"sequence", encoding->sequence},
            {"offsets", offsets}};
  Decode(tokenizer, encoding->ids, &result);
  return result;
}

int Main(const std::string& directory) {
  const auto tokenizer = Tokenizer::Load(directory);
  if (!tokenizer.ok()) {
    std::cerr << tokenizer.status().message() << "\n";
    return 1;
  }
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << Run(**tokenizer, json::parse(line)).dump() << "\n" << std::flush;
  }
  return 0;
}

}  // namespace
}  // namespace attentiond

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: tokenize_lines DIRECTORY < CASES > RESULTS\n";
    return 64;
  }
  return attentiond::Main(argv[1]);
}
