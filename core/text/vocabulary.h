// core/text/vocabulary.h -- tokens and their ids.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace attentiond {

/// Threads: immutable.
class Vocabulary {
 public:
  /// Ids are below this; the largest vocabularies in use have about a million tokens.
  static constexpr int64_t kMaxSize = int64_t{1} << 22;
  /// The longest token: what bounds the time to look for one. The longest in use have some 500.
  static constexpr size_t kMaxTokenBytes = 2048;

  /// From an object {token: id}. kInvalidArgument: not that, no token at all, an id that is
  /// negative, at least kMaxSize, or taken twice, a token above kMaxTokenBytes.
  static absl::StatusOr<Vocabulary> FromJson(const nlohmann::json& tokens);

  /// From a list, whose places are the ids. Of equal tokens Find() gives the last.
  /// kInvalidArgument: none, more than kMaxSize, or one above kMaxTokenBytes.
  static absl::StatusOr<Vocabulary> FromTokens(const std::vector<std::string>& tokens);

  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;

  /// The token with this id; empty when there is none.
  absl::string_view Token(int32_t id) const;
  std::optional<int32_t> Find(absl::string_view token) const;
  /// One past the largest id; ids below it need not all be taken.
  int32_t size() const { return static_cast<int32_t>(ends_.size()); }
  /// Every token with its id, by id. The views live as long as this vocabulary.
  std::vector<std::pair<absl::string_view, int32_t>> Entries() const;

 private:
  Vocabulary() = default;

  // From pairs in order of id, without two of one id.
  static absl::StatusOr<Vocabulary> FromSorted(
      const std::vector<std::pair<int32_t, absl::string_view>>& by_id);

  std::vector<char> bytes_;     // the tokens in order of id; a vector, so that a move keeps views
  std::vector<uint32_t> ends_;  // by id: where in bytes_ its token ends
  absl::flat_hash_map<absl::string_view, int32_t> ids_;  // keys point into bytes_
};

/// kInvalidArgument: no token of a vocabulary of `size` has this id.
absl::Status CheckTokenId(int32_t id, int32_t size);

}  // namespace attentiond
