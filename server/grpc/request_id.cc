// server/grpc/request_id.cc -- generating and checking request ids.
#include "server/grpc/request_id.h"

#include <algorithm>
#include <random>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace attentiond {

RequestIdSource::RequestIdSource()
    : prefix_(absl::StrCat(absl::Hex(std::random_device()(), absl::kZeroPad8), "-")) {}

std::string RequestIdSource::Next() {
  return absl::StrCat(prefix_, absl::Hex(next_.fetch_add(1, std::memory_order_relaxed)));
}

bool IsValidRequestId(absl::string_view id) {
  return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c));
  });
}

}  // namespace attentiond
