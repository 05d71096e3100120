#include "tests/client/commands/fake_server.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace attentiond::client {
namespace {

constexpr int kLayers = 2, kHeads = 2;

void AddSpecial(const char* text, int id, google::protobuf::RepeatedPtrField<v1::Token>* tokens) {
  v1::Token* const token = tokens->Add();
  token->set_text(text);
  token->set_id(id);
  token->set_special(true);
}

void AddWordPiece(const std::string& text, int64_t begin, int word,
                  google::protobuf::RepeatedPtrField<v1::Token>* tokens) {
  v1::Token* const token = tokens->Add();
  const std::string bare(absl::StripPrefix(text, "##"));
  token->set_text(text);
  token->set_id(static_cast<int>(bare.size()));
  token->set_char_begin(begin);
  token->set_char_end(begin + static_cast<int64_t>(bare.size()));
  token->set_byte_begin(token->char_begin());
  token->set_byte_end(token->char_end());
  token->set_word_index(word);
}

void Tokens(const std::string& text, bool special,
            google::protobuf::RepeatedPtrField<v1::Token>* tokens) {
  constexpr size_t kLongest = 5;
  if (special) AddSpecial("[CLS]", 101, tokens);
  int word = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    const std::string piece = text.substr(begin, end - begin);
    const auto place = static_cast<int64_t>(begin);
    AddWordPiece(piece.substr(0, kLongest), place, word, tokens);
    if (piece.size() > kLongest) {
      AddWordPiece("##" + piece.substr(kLongest), place + static_cast<int64_t>(kLongest), word,
                   tokens);
    }
    ++word;
    begin = end + 1;
  }
  if (special) AddSpecial("[SEP]", 102, tokens);
}

void SetScores(const std::string& text, int top_k, v1::Classification* result) {
  const bool positive = absl::StrContains(text, "love");
  for (const bool best : {true, false}) {
    if (!best && top_k == 1) continue;
    v1::LabelScore* const label = result->add_labels();
    label->set_label(positive == best ? "POSITIVE" : "NEGATIVE");
    label->set_score(best ? 0.75f : 0.25f);
  }
  result->set_input_tokens(static_cast<int64_t>(text.size()));
}

std::vector<float> Floats(const v1::Tensor& tensor) {
  std::vector<float> values(tensor.data().size() / sizeof(float));
  std::memcpy(values.data(), tensor.data().data(), values.size() * sizeof(float));
  return values;
}

void SetFloats(const std::vector<int64_t>& shape, const std::vector<float>& values,
               v1::Tensor* tensor) {
  tensor->set_dtype(v1::DATA_TYPE_FP32);
  tensor->mutable_shape()->Assign(shape.begin(), shape.end());
  tensor->set_data(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

// Row i: 0.5 for itself, the rest spread over the others.
void SetMap(int tokens, v1::Tensor* tensor) {
  std::vector<float> weights;
  for (int row = 0; row < tokens; ++row) {
    for (int column = 0; column < tokens; ++column) {
      weights.push_back(row == column ? 0.5f : 0.5f / static_cast<float>(tokens - 1));
    }
  }
  SetFloats({tokens, tokens}, weights, tensor);
}

// One map of a reply; absent: a mean.
struct MapName {
  std::optional<int> layer, head;
};

// Those listed, or all.
template <typename Numbers>
std::vector<std::optional<int>> Listed(const Numbers& listed, int count) {
  std::vector<std::optional<int>> numbers(listed.begin(), listed.end());
  for (int number = 0; listed.empty() && number < count; ++number) numbers.emplace_back(number);
  return numbers;
}

std::vector<MapName> MapsOf(const v1::ExplainRequest& request) {
  const v1::AttentionReduction reduction = request.reduction();
  if (reduction == v1::ATTENTION_REDUCTION_NO_MAPS) return {};
  const bool is_rollout = reduction == v1::ATTENTION_REDUCTION_ROLLOUT;
  const bool each_layer = is_rollout || reduction == v1::ATTENTION_REDUCTION_NONE ||
                          reduction == v1::ATTENTION_REDUCTION_MEAN_HEADS;
  const bool each_head =
      reduction == v1::ATTENTION_REDUCTION_NONE || reduction == v1::ATTENTION_REDUCTION_MEAN_LAYERS;
  const std::vector<std::optional<int>> mean(1);
  auto layers = each_layer ? Listed(request.layers(), kLayers) : mean;
  if (is_rollout && request.layers().empty()) layers = {kLayers - 1};
  const auto heads = each_head ? Listed(request.heads(), kHeads) : mean;
  std::vector<MapName> maps;
  for (const auto layer : layers) {
    for (const auto head : heads) maps.push_back({layer, head});
  }
  return maps;
}

void SetAttribution(const v1::ExplainRequest& request, const std::string& text,
                    v1::Attribution* attribution) {
  const bool classifies = request.model() != "embed";
  if (classifies) {
    const bool is_default = request.attribution_label().empty();
    attribution->set_label(is_default ? "POSITIVE" : request.attribution_label());
    attribution->set_score(0.75f);
    attribution->set_logit(1.0f);
  }
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    v1::WordAttribution* const word = attribution->add_words();
    word->set_text(text.substr(begin, end - begin));
    word->set_byte_begin(static_cast<int64_t>(begin));
    word->set_byte_end(static_cast<int64_t>(end));
    const bool supports = absl::StrContains(word->text(), "love");
    if (classifies) {
      word->set_score_effect(supports ? 0.5f : -0.125f);
      word->set_logit_effect(supports ? 2.0f : -0.25f);
    } else {
      word->set_cosine_effect(0.25f);
    }
    begin = end + 1;
  }
}

void SetTranslation(const std::string& text, int count, v1::Translation* translation) {
  for (int i = 0; i < count; ++i) {
    v1::GeneratedText* const alternative = translation->add_alternatives();
    alternative->set_text(absl::AsciiStrToUpper(text) + std::string(static_cast<size_t>(i), '!'));
    alternative->set_score(-0.25 * (i + 1));
    alternative->add_token_ids(2);
  }
  translation->set_input_tokens(7);
  translation->set_sentences(1);
}

}  // namespace

FakeServer::FakeServer() {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
  builder.RegisterService(static_cast<v1::AttentionService::Service*>(this));
  builder.RegisterService(static_cast<grpc::health::v1::Health::Service*>(this));
  server_ = builder.BuildAndStart();
}

FakeServer::~FakeServer() {
  server_->Shutdown();
  server_->Wait();
}

std::string FakeServer::address() const { return absl::StrCat("127.0.0.1:", port_); }

void FakeServer::FailNext(int count, const grpc::Status& status) {
  MutexLock lock(&mutex_);
  failures_left_ = count;
  failure_ = status;
}

void FakeServer::SetAttendError(float error) {
  MutexLock lock(&mutex_);
  attend_error_ = error;
}

void FakeServer::SetHealth(const std::string& name, bool serving) {
  MutexLock lock(&mutex_);
  health_[name] = serving;
}

std::string FakeServer::last_authorization() {
  MutexLock lock(&mutex_);
  return authorization_;
}

std::vector<int> FakeServer::request_sizes() {
  MutexLock lock(&mutex_);
  return request_sizes_;
}

grpc::Status FakeServer::Enter(const grpc::ServerContext& context) {
  MutexLock lock(&mutex_);
  const auto found = context.client_metadata().find("authorization");
  const bool sent = found != context.client_metadata().end();
  authorization_ = sent ? std::string(found->second.data(), found->second.size()) : "";
  return failures_left_-- > 0 ? failure_ : grpc::Status::OK;
}

grpc::Status FakeServer::EnterTexts(
    const grpc::ServerContext& context,
    const google::protobuf::RepeatedPtrField<v1::TextInput>& inputs) {
  if (grpc::Status status = Enter(context); !status.ok()) return status;
  {
    MutexLock lock(&mutex_);
    request_sizes_.push_back(inputs.size());
  }
  for (const v1::TextInput& input : inputs) {
    int code = 0;
    if (absl::StartsWith(input.text(), "fail ") &&
        absl::SimpleAtoi(input.text().substr(5), &code)) {
      return grpc::Status(static_cast<grpc::StatusCode>(code), "asked for");
    }
  }
  return grpc::Status::OK;
}

grpc::Status FakeServer::Attend(grpc::ServerContext* context, const v1::AttendRequest* request,
                                v1::AttendResponse* response) {
  if (grpc::Status status = Enter(*context); !status.ok()) return status;
  const auto& q_shape = request->query().shape();
  const std::vector<float> q = Floats(request->query()), k = Floats(request->key()),
                           v = Floats(request->value());
  const int64_t matrices = q_shape[0] * q_shape[1], queries = q_shape[2], depth = q_shape[3];
  const int64_t keys = request->key().shape(2), width = request->value().shape(3);
  float error = 0;
  {
    MutexLock lock(&mutex_);
    error = attend_error_;
  }
  std::vector<float> weights, output;
  for (int64_t m = 0; m < matrices; ++m) {
    for (int64_t i = 0; i < queries; ++i) {
      std::vector<float> row;
      float sum = 0;
      for (int64_t j = 0; j < keys; ++j) {
        float score = 0;
        for (int64_t d = 0; d < depth; ++d) {
          score += q[static_cast<size_t>((m * queries + i) * depth + d)] *
                   k[static_cast<size_t>((m * keys + j) * depth + d)];
        }
        row.push_back(std::exp(score / std::sqrt(static_cast<float>(depth))));
        sum += row.back();
      }
      for (int64_t c = 0; c < width; ++c) {
        float value = error;
        for (int64_t j = 0; j < keys; ++j) {
          value += row[static_cast<size_t>(j)] / sum *
                   v[static_cast<size_t>((m * keys + j) * width + c)];
        }
        output.push_back(value);
      }
      for (const float weight : row) weights.push_back(weight / sum);
    }
  }
  SetFloats({q_shape[0], q_shape[1], queries, width}, output, response->mutable_output());
  if (request->return_weights()) {
    SetFloats({q_shape[0], q_shape[1], queries, keys}, weights, response->mutable_weights());
  }
  if (request->return_lse()) {
    SetFloats({q_shape[0], q_shape[1], queries},
              std::vector<float>(static_cast<size_t>(matrices * queries), 0.5f),
              response->mutable_lse());
  }
  return grpc::Status::OK;
}

grpc::Status FakeServer::Classify(grpc::ServerContext* context, const v1::ClassifyRequest* request,
                                  v1::ClassifyResponse* response) {
  if (grpc::Status status = EnterTexts(*context, request->inputs()); !status.ok()) return status;
  for (const v1::TextInput& input : request->inputs()) {
    SetScores(input.text(), request->top_k(), response->add_results());
  }
  response->set_input_tokens(request->inputs_size() * 7);
  response->mutable_timing()->mutable_compute()->set_nanos(1'000'000);
  return grpc::Status::OK;
}

grpc::Status FakeServer::Embed(grpc::ServerContext* context, const v1::EmbedRequest* request,
                               v1::EmbedResponse* response) {
  if (grpc::Status status = EnterTexts(*context, request->inputs()); !status.ok()) return status;
  for (const v1::TextInput& input : request->inputs()) {
    v1::Embedding* const result = response->add_results();
    result->add_values(static_cast<float>(input.text().size()));
    result->add_values(1);
  }
  return grpc::Status::OK;
}

grpc::Status FakeServer::Explain(grpc::ServerContext* context, const v1::ExplainRequest* request,
                                 v1::ExplainResponse* response) {
  if (grpc::Status status = EnterTexts(*context, request->inputs()); !status.ok()) return status;
  for (const v1::TextInput& input : request->inputs()) {
    v1::Explanation* const result = response->add_results();
    Tokens(input.text(), /*special=*/true, result->mutable_tokens());
    for (const MapName& name : MapsOf(*request)) {
      v1::AttentionMap* const map = result->add_maps();
      if (name.layer) map->set_layer(*name.layer);
      if (name.head) map->set_head(*name.head);
      SetMap(result->tokens_size(), map->mutable_weights());
    }
    if (request->model() != "embed") {
      SetScores(input.text(), 0, result->mutable_classification());
    }
    if (request->attribute_words()) {
      SetAttribution(*request, input.text(), result->mutable_attribution());
    }
  }
  return grpc::Status::OK;
}

v1::TranslateRequest FakeServer::last_translate() {
  MutexLock lock(&mutex_);
  return last_translate_;
}

grpc::Status FakeServer::EnterTranslate(const grpc::ServerContext& context,
                                        const v1::TranslateRequest& request) {
  if (grpc::Status status = Enter(context); !status.ok()) return status;
  MutexLock lock(&mutex_);
  request_sizes_.push_back(request.texts_size());
  last_translate_ = request;
  return grpc::Status::OK;
}

grpc::Status FakeServer::Translate(grpc::ServerContext* context,
                                   const v1::TranslateRequest* request,
                                   v1::TranslateResponse* response) {
  if (grpc::Status status = EnterTranslate(*context, *request); !status.ok()) return status;
  for (const std::string& text : request->texts()) {
    SetTranslation(text, std::max(1, request->generation().num_return_sequences()),
                   response->add_results());
  }
  return grpc::Status::OK;
}

grpc::Status FakeServer::TranslateStream(grpc::ServerContext* context,
                                         const v1::TranslateRequest* request,
                                         grpc::ServerWriter<v1::TranslateUpdate>* writer) {
  if (grpc::Status status = EnterTranslate(*context, *request); !status.ok()) return status;
  for (int i = 0; i < request->texts_size(); ++i) {
    const std::string text = absl::AsciiStrToUpper(request->texts(i));
    v1::TranslateUpdate update;
    update.set_index(i);
    for (size_t begin = 0; begin < text.size(); begin = text.find(' ', begin + 1)) {
      const size_t end = text.find(' ', begin + 1);
      update.set_text(text.substr(begin, end - begin));
      writer->Write(update);
      if (end == std::string::npos) break;
    }
    update.clear_text();
    SetTranslation(request->texts(i), 1, update.mutable_result());
    writer->Write(update);
  }
  return grpc::Status::OK;
}

grpc::Status FakeServer::Caption(grpc::ServerContext* context, const v1::CaptionRequest* request,
                                 v1::CaptionResponse* response) {
  if (grpc::Status status = Enter(*context); !status.ok()) return status;
  for (int i = 0; i < request->images_size(); ++i) {
    v1::GeneratedText* const text = response->add_results()->add_alternatives();
    text->set_text("a red circle");
    text->set_score(-0.5);
    if (!request->return_cross_attention()) continue;
    v1::CrossAttention* const attention = text->mutable_cross_attention();
    for (const char* const token : {"a", " red", " cir", "cle", ""}) {
      attention->add_tokens()->set_text(token);
    }
    attention->set_grid_height(2);
    attention->set_grid_width(2);
    SetFloats({5, 5},
              {0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0.5f, 0.5f, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0},
              attention->mutable_weights());
  }
  return grpc::Status::OK;
}

grpc::Status FakeServer::Tokenize(grpc::ServerContext* context, const v1::TokenizeRequest* request,
                                  v1::TokenizeResponse* response) {
  if (grpc::Status status = EnterTexts(*context, request->inputs()); !status.ok()) return status;
  for (const v1::TextInput& input : request->inputs()) {
    Tokens(input.text(), request->add_special_tokens(), response->add_results()->mutable_tokens());
  }
  return grpc::Status::OK;
}

grpc::Status FakeServer::ListModels(grpc::ServerContext* context,
                                    const v1::ListModelsRequest* request,
                                    v1::ListModelsResponse* response) {
  if (grpc::Status status = Enter(*context); !status.ok()) return status;
  v1::ModelDescription* model = response->add_models();
  model->set_name("sentiment");
  model->set_version("1");
  model->set_state(v1::MODEL_STATE_READY);
  model->set_kind(v1::MODEL_KIND_SEQUENCE_CLASSIFICATION);
  model->add_methods("Classify");
  model->set_dtype(v1::DATA_TYPE_FP32);
  model->set_max_length(64);
  model->add_labels("NEGATIVE");
  model->add_labels("POSITIVE");
  model->set_parameter_bytes(3 << 20);
  if (request->ready_only()) return grpc::Status::OK;
  model = response->add_models();
  model->set_name("broken");
  model->set_state(v1::MODEL_STATE_UNAVAILABLE);
  model->set_reason("config.json: no such file");
  return grpc::Status::OK;
}

grpc::Status FakeServer::Check(grpc::ServerContext* context,
                               const grpc::health::v1::HealthCheckRequest* request,
                               grpc::health::v1::HealthCheckResponse* response) {
  if (grpc::Status status = Enter(*context); !status.ok()) return status;
  MutexLock lock(&mutex_);
  const auto found = health_.find(request->service());
  if (found == health_.end()) return grpc::Status(grpc::StatusCode::NOT_FOUND, "unknown service");
  response->set_status(found->second ? grpc::health::v1::HealthCheckResponse::SERVING
                                     : grpc::health::v1::HealthCheckResponse::NOT_SERVING);
  return grpc::Status::OK;
}

}  // namespace attentiond::client
