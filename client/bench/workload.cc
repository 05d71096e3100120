#include "client/bench/workload.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace attentiond::client {
namespace {

constexpr std::array<const char*, 48> kWords = {
    "the",   "a",     "my",     "his",   "her",   "this",  "one",   "old",      "new",   "good",
    "bad",   "small", "bright", "quiet", "fine",  "cat",   "dog",   "film",     "book",  "house",
    "story", "plot",  "actor",  "city",  "river", "food",  "hotel", "waiter",   "phone", "song",
    "loves", "hates", "likes",  "finds", "sees",  "keeps", "takes", "was",      "is",    "and",
    "but",   "or",    "with",   "in",    "of",    "very",  "never", "surprised"};

// The standard fixes the numbers of std::mt19937_64, not those of its distributions.
class Random {
 public:
  explicit Random(uint64_t seed) : generator_(seed) {}
  // In [0, 1).
  double Uniform() { return static_cast<double>(generator_() >> 11) * 0x1p-53; }

  int64_t Length(LengthRange range) {
    const double low = std::log(static_cast<double>(range.min));
    const double high = std::log(static_cast<double>(range.max) + 1);
    const auto length = static_cast<int64_t>(std::exp(low + (high - low) * Uniform()));
    return std::clamp(length, range.min, range.max);
  }

 private:
  std::mt19937_64 generator_;
};

v1::Tensor RandomTensor(Random* random, const std::array<int64_t, 4>& shape) {
  v1::Tensor tensor;
  tensor.set_dtype(v1::DATA_TYPE_FP32);
  int64_t elements = 1;
  for (const int64_t dim : shape) {
    tensor.add_shape(dim);
    elements *= dim;
  }
  std::string* const data = tensor.mutable_data();
  data->reserve(static_cast<size_t>(elements) * sizeof(float));
  for (int64_t i = 0; i < elements; ++i) {
    const auto value = static_cast<float>(2 * random->Uniform() - 1);
    data->append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  return tensor;
}

}  // namespace

std::vector<std::string> MixedTexts(uint64_t seed, int count, LengthRange words) {
  Random random(seed);
  std::vector<std::string> texts;
  for (int i = 0; i < count; ++i) {
    std::string text;
    for (int64_t left = random.Length(words); left > 0; --left) {
      const auto word = static_cast<size_t>(random.Uniform() * kWords.size());
      absl::StrAppend(&text, text.empty() ? "" : " ", kWords[word]);
    }
    text[0] = absl::ascii_toupper(static_cast<unsigned char>(text[0]));
    texts.push_back(absl::StrCat(text, "."));
  }
  return texts;
}

std::vector<v1::AttendRequest> MixedAttention(uint64_t seed, int count, LengthRange lengths,
                                              AttentionHeads heads) {
  Random random(seed);
  std::vector<v1::AttendRequest> requests(static_cast<size_t>(count));
  for (v1::AttendRequest& request : requests) {
    const std::array<int64_t, 4> shape = {1, heads.heads, random.Length(lengths), heads.head_dim};
    *request.mutable_query() = RandomTensor(&random, shape);
    *request.mutable_key() = RandomTensor(&random, shape);
    *request.mutable_value() = RandomTensor(&random, shape);
  }
  return requests;
}

}  // namespace attentiond::client
