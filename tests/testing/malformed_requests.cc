// tests/testing/malformed_requests.cc -- the changes, by what they touch.
#include "tests/testing/malformed_requests.h"

#include <limits>

#include "tests/testing/infer_request.h"

namespace attentiond::testing {
namespace {

using inference::ModelInferRequest;

const std::vector<int64_t>& EdgeNumbers() {
  static const auto* const numbers = new std::vector<int64_t>{0,
                                                              1,
                                                              -1,
                                                              2,
                                                              3,
                                                              4,
                                                              7,
                                                              255,
                                                              4096,
                                                              4097,
                                                              1 << 20,
                                                              std::numeric_limits<int32_t>::max(),
                                                              int64_t{1} << 32,
                                                              int64_t{1} << 59,
                                                              int64_t{1} << 62,
                                                              std::numeric_limits<int64_t>::max(),
                                                              std::numeric_limits<int64_t>::min()};
  return *numbers;
}

const std::vector<double>& EdgeDoubles() {
  static const auto* const doubles =
      new std::vector<double>{0,
                              -1,
                              1e-300,
                              1e300,
                              std::numeric_limits<double>::infinity(),
                              std::numeric_limits<double>::quiet_NaN()};
  return *doubles;
}

const std::vector<std::string>& Words() {
  static const auto* const words = new std::vector<std::string>{"",
                                                                "query",
                                                                "key",
                                                                "value",
                                                                "mask",
                                                                "bias",
                                                                "text",
                                                                "input_ids",
                                                                "attention_mask",
                                                                "token_type_ids",
                                                                "kv_lengths",
                                                                "output",
                                                                "weights",
                                                                "lse",
                                                                "label",
                                                                "score",
                                                                "attentions",
                                                                "embedding",
                                                                "BOOL",
                                                                "INT32",
                                                                "INT64",
                                                                "FP16",
                                                                "BF16",
                                                                "FP32",
                                                                "FP64",
                                                                "BYTES",
                                                                "UINT8",
                                                                "fp32",
                                                                "attention",
                                                                "sentiment",
                                                                "encoder",
                                                                "layer",
                                                                "1",
                                                                "-1",
                                                                "99999999999999999999",
                                                                std::string("\0", 1),
                                                                "caf\xc3\xa9",
                                                                std::string(5000, 'x')};
  return *words;
}

const std::vector<std::string>& ParameterNames() {
  static const auto* const names = new std::vector<std::string>{
      "causal",   "window",  "scale",     "softcap",    "timeout",    "priority",
      "truncate", "pooling", "normalize", "dimensions", "triton_any", "speed"};
  return *names;
}

ModelInferRequest For(const std::string& model) {
  ModelInferRequest request;
  request.set_model_name(model);
  request.set_id("id");
  return request;
}

ModelInferRequest Attention(bool raw) {
  ModelInferRequest request = For("attention");
  const std::vector<float> values = {1, 2, 3, 4, 5, 6, 7, 8};
  for (const char* name : {"query", "key", "value"}) {
    if (raw) {
      AddRaw(&request, name, "FP32", {1, 2, 2, 2}, values);
    } else {
      AddTypedFloats(&request, name, {1, 2, 2, 2}, values);
    }
  }
  WantOutputs(&request, {"output", "weights", "lse"});
  return request;
}

ModelInferRequest AttentionWithEverything() {
  ModelInferRequest request = Attention(/*raw=*/true);
  AddRaw<uint8_t>(&request, "mask", "BOOL", {1, 1, 2, 2}, {1, 0, 1, 1});
  AddRaw<float>(&request, "bias", "FP32", {1, 2, 1, 2}, {0, 1, 2, 3});
  AddRaw<int64_t>(&request, "kv_lengths", "INT64", {1}, {2});
  (*request.mutable_parameters())["causal"].set_bool_param(true);
  (*request.mutable_parameters())["window"].set_int64_param(2);
  (*request.mutable_parameters())["softcap"].set_double_param(30);
  (*request.mutable_parameters())["scale"].set_double_param(0.25);
  return request;
}

ModelInferRequest Ids(const std::string& model, const std::vector<std::string>& outputs) {
  ModelInferRequest request = For(model);
  AddRaw<int64_t>(&request, "input_ids", "INT64", {2, 3}, {0, 5, 1, 0, 9, 1});
  AddRaw<int64_t>(&request, "attention_mask", "INT64", {2, 3}, {1, 1, 1, 1, 0, 1});
  AddRaw<int64_t>(&request, "token_type_ids", "INT64", {2, 3}, {0, 0, 0, 0, 0, 0});
  WantOutputs(&request, outputs);
  return request;
}

}  // namespace

std::vector<ModelInferRequest> GoodRequests() {
  std::vector<ModelInferRequest> requests = {
      Attention(/*raw=*/true), Attention(/*raw=*/false), AttentionWithEverything(),
      Ids("encoder", {"embedding", "last_hidden_state", "attentions", "input_ids"}),
      Ids("ids-only", {"label", "score", "probabilities"})};
  ModelInferRequest half = For("attention");
  for (const char* name : {"query", "key", "value"}) {
    AddRaw<uint16_t>(&half, name, "BF16", {1, 1, 1, 2}, {0x3f80, 0x4000});
  }
  requests.push_back(half);
  ModelInferRequest pair = For("sentiment");
  AddRawText(&pair, "text", {"good", "bad"});
  AddRawText(&pair, "text_pair", {"a", ""});
  WantOutputs(&pair, {"label", "logits", "attentions"});
  requests.push_back(pair);
  ModelInferRequest typed = For("encoder");
  AddInput(&typed, "text", "BYTES", {1})->mutable_contents()->add_bytes_contents("typed");
  (*typed.mutable_parameters())["pooling"].set_string_param("cls");
  (*typed.mutable_parameters())["dimensions"].set_int64_param(2);
  (*typed.mutable_parameters())["truncate"].set_bool_param(true);
  requests.push_back(typed);
  ModelInferRequest layer = For("layer");
  AddRaw<float>(&layer, "query", "FP32", {1, 2, 4}, {1, 2, 3, 4, 5, 6, 7, 8});
  AddRaw<float>(&layer, "key", "FP32", {1, 1, 4}, {1, 2, 3, 4});
  AddRaw<int32_t>(&layer, "kv_lengths", "INT32", {1}, {1});
  WantOutputs(&layer, {"weights", "output"});
  requests.push_back(layer);
  return requests;
}

ModelInferRequest MalformedRequests::Next() {
  ModelInferRequest request = Pick(good_);
  for (size_t changes = 1 + Below(3); changes > 0; --changes) {
    switch (Below(4)) {
      case 0:
        ChangeTensor(&request);
        break;
      case 1:
        ChangeContents(&request);
        break;
      case 2:
        ChangeParameter(&request);
        break;
      default:
        ChangeRequest(&request);
    }
  }
  return request;
}

std::string MalformedRequests::NextBytes() {
  std::string bytes = Next().SerializeAsString();
  if (Below(10) != 0 || bytes.empty()) return bytes;
  for (size_t flips = 1 + Below(4); flips > 0; --flips) {
    char& byte = bytes[Below(bytes.size())];
    byte = static_cast<char>(byte ^ (1 << Below(8)));
  }
  return bytes;
}

void MalformedRequests::ChangeTensor(ModelInferRequest* request) {
  if (request->inputs_size() == 0) return;
  auto* const tensor =
      request->mutable_inputs(static_cast<int>(Below(static_cast<size_t>(request->inputs_size()))));
  switch (Below(6)) {
    case 0:
      tensor->set_name(Pick(Words()));
      break;
    case 1:
      tensor->set_datatype(Pick(Words()));
      break;
    case 2:
      tensor->add_shape(Pick(EdgeNumbers()));
      break;
    case 3:
      tensor->clear_shape();
      break;
    case 4:
      (*tensor->mutable_parameters())[Pick(ParameterNames())].set_bool_param(true);
      break;
    default:
      if (tensor->shape_size() == 0) break;
      tensor->set_shape(static_cast<int>(Below(static_cast<size_t>(tensor->shape_size()))),
                        Pick(EdgeNumbers()));
  }
}

void MalformedRequests::ChangeContents(ModelInferRequest* request) {
  const auto entries = static_cast<size_t>(request->raw_input_contents_size());
  switch (Below(6)) {
    case 0:
      request->add_raw_input_contents(RandomBytes(100));
      break;
    case 1:
      request->clear_raw_input_contents();
      break;
    case 2:
      if (request->inputs_size() == 0) break;
      request->mutable_inputs(0)->mutable_contents()->add_fp32_contents(
          std::numeric_limits<float>::quiet_NaN());
      break;
    case 3:
      if (request->inputs_size() == 0) break;
      request->mutable_inputs(0)->mutable_contents()->add_bytes_contents(RandomBytes(40));
      break;
    default: {
      if (entries == 0) break;
      std::string* const raw =
          request->mutable_raw_input_contents(static_cast<int>(Below(entries)));
      if (raw->empty()) break;
      (*raw)[Below(raw->size())] = static_cast<char>(Below(256));
      if (Below(2) == 0) raw->resize(Below(raw->size() + 8));
    }
  }
}

void MalformedRequests::ChangeParameter(ModelInferRequest* request) {
  inference::InferParameter& parameter = (*request->mutable_parameters())[Pick(ParameterNames())];
  switch (Below(6)) {
    case 0:
      parameter.set_bool_param(Below(2) == 0);
      break;
    case 1:
      parameter.set_int64_param(Pick(EdgeNumbers()));
      break;
    case 2:
      parameter.set_uint64_param(static_cast<uint64_t>(Pick(EdgeNumbers())));
      break;
    case 3:
      parameter.set_double_param(Pick(EdgeDoubles()));
      break;
    case 4:
      parameter.set_string_param(Pick(Words()));
      break;
    default:
      parameter.clear_parameter_choice();
  }
}

void MalformedRequests::ChangeRequest(ModelInferRequest* request) {
  switch (Below(6)) {
    case 0:
      request->set_model_name(Pick(Words()));
      break;
    case 1:
      request->set_model_version(Pick(Words()));
      break;
    case 2:
      request->set_id(Pick(Words()));
      break;
    case 3:
      request->add_outputs()->set_name(Pick(Words()));
      break;
    case 4:
      if (request->inputs_size() != 0) *request->add_inputs() = request->inputs(0);
      break;
    default:
      if (request->inputs_size() != 0) request->mutable_inputs()->RemoveLast();
  }
}

std::string MalformedRequests::RandomBytes(size_t max_size) {
  std::string bytes(Below(max_size), '\0');
  for (char& byte : bytes) byte = static_cast<char>(Below(256));
  return bytes;
}

}  // namespace attentiond::testing
