#include "core/text/vocabulary.h"

#include <algorithm>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/weights/quoted.h"

namespace attentiond {

using nlohmann::json;

absl::StatusOr<Vocabulary> Vocabulary::FromJson(const json& tokens) {
  if (!tokens.is_object() || tokens.empty()) {
    return absl::InvalidArgumentError("\"vocab\" is not an object that names a token");
  }
  std::vector<std::pair<int32_t, absl::string_view>> by_id;
  by_id.reserve(tokens.size());
  for (auto entry = tokens.begin(); entry != tokens.end(); ++entry) {
    const json& id = entry.value();
    if (!id.is_number_unsigned() || id.get<uint64_t>() >= uint64_t{kMaxSize}) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the id of token ", Quoted(entry.key()), " is not an integer from 0 to ", kMaxSize - 1));
    }
    by_id.emplace_back(id.get<int32_t>(), entry.key());
  }
  std::sort(by_id.begin(), by_id.end());
  for (size_t i = 1; i < by_id.size(); ++i) {
    if (by_id[i - 1].first != by_id[i].first) continue;
    return absl::InvalidArgumentError(absl::StrCat("tokens ", Quoted(by_id[i - 1].second), " and ",
                                                   Quoted(by_id[i].second), " have the same id ",
                                                   by_id[i].first));
  }
  return FromSorted(by_id);
}

absl::StatusOr<Vocabulary> Vocabulary::FromTokens(const std::vector<std::string>& tokens) {
  if (tokens.empty() || tokens.size() > size_t{kMaxSize}) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"vocab\" has ", tokens.size(), " tokens, 1 to ", kMaxSize, " are required"));
  }
  std::vector<std::pair<int32_t, absl::string_view>> by_id;
  by_id.reserve(tokens.size());
  for (const std::string& token : tokens) {
    by_id.emplace_back(static_cast<int32_t>(by_id.size()), token);
  }
  return FromSorted(by_id);
}

absl::StatusOr<Vocabulary> Vocabulary::FromSorted(
    const std::vector<std::pair<int32_t, absl::string_view>>& by_id) {
  size_t num_bytes = 0;
  for (const auto& [id, token] : by_id) {
    num_bytes += token.size();
    if (token.size() > kMaxTokenBytes) {
      return absl::InvalidArgumentError(absl::StrCat("token ", Quoted(token), " has ", token.size(),
                                                     " bytes, at most ", kMaxTokenBytes,
                                                     " are allowed"));
    }
  }
  if (num_bytes > std::numeric_limits<uint32_t>::max()) {
    return absl::InvalidArgumentError("the tokens of \"vocab\" have more than 4 GiB");
  }
  Vocabulary vocabulary;
  vocabulary.bytes_.reserve(num_bytes);  // never reallocated below: the views stay
  vocabulary.ends_.reserve(static_cast<size_t>(by_id.back().first) + 1);
  vocabulary.ids_.reserve(by_id.size());
  for (const auto& [id, token] : by_id) {
    vocabulary.ends_.resize(static_cast<size_t>(id),
                            static_cast<uint32_t>(vocabulary.bytes_.size()));
    vocabulary.bytes_.insert(vocabulary.bytes_.end(), token.begin(), token.end());
    vocabulary.ends_.push_back(static_cast<uint32_t>(vocabulary.bytes_.size()));
    vocabulary.ids_.insert_or_assign(vocabulary.Token(id), id);
  }
  return vocabulary;
}

absl::string_view Vocabulary::Token(int32_t id) const {
  if (id < 0 || id >= size()) return {};
  const auto index = static_cast<size_t>(id);
  const uint32_t begin = index == 0 ? 0 : ends_[index - 1];
  return {bytes_.data() + begin, ends_[index] - begin};
}

std::optional<int32_t> Vocabulary::Find(absl::string_view token) const {
  const auto found = ids_.find(token);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

std::vector<std::pair<absl::string_view, int32_t>> Vocabulary::Entries() const {
  std::vector<std::pair<absl::string_view, int32_t>> entries(ids_.begin(), ids_.end());
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.second < b.second; });
  return entries;
}

absl::Status CheckTokenId(int32_t id, int32_t size) {
  if (id >= 0 && id < size) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("id ", id, " is outside the vocabulary of ", size, " tokens"));
}

}  // namespace attentiond
