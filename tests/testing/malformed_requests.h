// tests/testing/malformed_requests.h -- ModelInferRequests that are wrong in ways that clients are.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "inference/grpc_service.pb.h"

namespace attentiond::testing {

/// One request that works for each model of DefaultFakeModels() and each way to send tensors.
std::vector<inference::ModelInferRequest> GoodRequests();

/// The same seed makes the same sequence on every machine.
class MalformedRequests {
 public:
  explicit MalformedRequests(uint32_t seed) : random_(seed), good_(GoodRequests()) {}

  /// A good request with one to three changes; some leave it good.
  inference::ModelInferRequest Next();
  /// The same, serialized; one in ten with a few bits flipped, so that it may be no message at all.
  std::string NextBytes();

 private:
  size_t Below(size_t limit) { return random_() % limit; }
  template <typename T>
  const T& Pick(const std::vector<T>& items) {
    return items[Below(items.size())];
  }
  void ChangeTensor(inference::ModelInferRequest* request);
  void ChangeContents(inference::ModelInferRequest* request);
  void ChangeRequest(inference::ModelInferRequest* request);
  void ChangeParameter(inference::ModelInferRequest* request);
  std::string RandomBytes(size_t max_size);

  std::mt19937 random_;
  const std::vector<inference::ModelInferRequest> good_;
};

}  // namespace attentiond::testing
