// tests/server/grpc/golden_requests.h -- golden checkpoints on a server, and requests of their
// cases.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/server/grpc/attention_service_test_server.h"
#include "tests/testing/golden_model.h"

namespace attentiond::testing {

/// A server of these folders of tests/golden, by their names, and nothing else.
inline AttentionTestServer::Options Serving(const std::vector<std::string>& names) {
  AttentionTestServer::Options options;
  options.models.clear();
  for (const std::string& name : names) {
    options.checkpoints[name] = GoldenModel(name).directory();
  }
  return options;
}

/// Adds the text, or the pair, of a case to a request's inputs.
template <typename Request>
void AddInput(const nlohmann::json& golden_case, Request* request) {
  v1::TextInput* const input = request->add_inputs();
  input->set_text(golden_case.at("text").get<std::string>());
  if (golden_case.contains("pair")) {
    input->set_text_pair(golden_case.at("pair").get<std::string>());
  }
}

}  // namespace attentiond::testing
