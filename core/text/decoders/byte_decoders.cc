#include "core/text/decoders/byte_decoders.h"

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "core/text/byte_alphabet.h"
#include "core/text/unicode.h"

namespace attentiond {
namespace {

// Appends the bytes that `token` stands for, or itself when it has another character.
void AppendBytes(absl::string_view token, std::string* bytes) {
  const size_t size = bytes->size();
  for (size_t i = 0; i < token.size();) {
    const std::optional<unsigned char> byte = ByteAlphabet::Get().Byte(NextCodePoint(token, &i));
    if (!byte.has_value()) {
      bytes->resize(size);
      bytes->append(token.data(), token.size());
      return;
    }
    bytes->push_back(static_cast<char>(*byte));
  }
}

// The byte that <0xNN> stands for.
std::optional<char> ByteOf(absl::string_view token) {
  uint32_t byte = 0;
  if (token.size() != 6 || !absl::StartsWith(token, "<0x") || token[5] != '>') return std::nullopt;
  // The library's parser takes a sign too.
  const absl::string_view digits = token.substr(token[3] == '+' ? 4 : 3, token[3] == '+' ? 1 : 2);
  if (!absl::SimpleHexAtoi(digits, &byte)) return std::nullopt;
  return static_cast<char>(byte);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Decoder>> ByteLevelDecoder::FromJson(const nlohmann::json&) {
  return std::make_unique<ByteLevelDecoder>();
}

absl::Status ByteLevelDecoder::Decode(std::vector<std::string>* pieces) const {
  std::string bytes;
  for (const std::string& token : *pieces) AppendBytes(token, &bytes);
  if (FindInvalidUtf8(bytes).has_value()) bytes = LossyUtf8(bytes);
  pieces->clear();
  pieces->push_back(std::move(bytes));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Decoder>> ByteFallbackDecoder::FromJson(const nlohmann::json&) {
  return std::make_unique<ByteFallbackDecoder>();
}

absl::Status ByteFallbackDecoder::Decode(std::vector<std::string>* pieces) const {
  std::vector<std::string> result;
  result.reserve(pieces->size());
  std::string bytes;
  const auto end_run = [&] {
    if (bytes.empty()) return;
    if (FindInvalidUtf8(bytes).has_value()) {
      result.insert(result.end(), bytes.size(), "\uFFFD");
    } else {
      result.push_back(bytes);
    }
    bytes.clear();
  };
  for (std::string& token : *pieces) {
    if (const std::optional<char> byte = ByteOf(token)) {
      bytes.push_back(*byte);
      continue;
    }
    end_run();
    result.push_back(std::move(token));
  }
  end_run();
  *pieces = std::move(result);
  return absl::OkStatus();
}

}  // namespace attentiond
