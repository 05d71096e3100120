// server/grpc/attention_service_explain.cc -- Explain: tokens, what they attend to, what the model
// made of them, and what it makes of them without each word.
//
// Two steps, tokenizing and then encoding the ids: between them the size of the maps is known and
// can be refused before it is computed.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/grpc/attention_service_conversion.h"
#include "server/grpc/attention_service_handlers.h"
#include "server/grpc/attention_service_models.h"
#include "server/grpc/explain_attribution.h"
#include "server/inference/attention_maps.h"
#include "server/inference/attention_rollout.h"
#include "server/inference/field_error.h"

namespace attentiond {
namespace {

constexpr int64_t kMaxTokens = 512;  ///< of one input: a map of 1 MiB
constexpr int64_t kMaxMaps = 256;    ///< of one reply

/// What is known of one Explain between its steps.
struct Explaining {
  ExplainCall::Pointer call;
  std::shared_ptr<LoadedModel> model;
  AttentionMapPlan plan;
  std::optional<ExplainAttribution> attribution;
  std::vector<Encoding> encodings;
  CallTiming tokenizing;

  const ModelInfo& info() const { return model->model->info(); }
  bool classifies() const { return info().kind == ModelKind::kSequenceClassification; }
  bool wants_maps() const { return !plan.maps.empty(); }
};

absl::StatusOr<AttentionReduction> ToReduction(v1::AttentionReduction proto) {
  switch (proto) {
    case v1::ATTENTION_REDUCTION_UNSPECIFIED:
      return AttentionReduction::kAsSelected;
    case v1::ATTENTION_REDUCTION_NONE:
      return AttentionReduction::kNone;
    case v1::ATTENTION_REDUCTION_MEAN_HEADS:
      return AttentionReduction::kMeanHeads;
    case v1::ATTENTION_REDUCTION_MEAN_LAYERS:
      return AttentionReduction::kMeanLayers;
    case v1::ATTENTION_REDUCTION_MEAN_ALL:
      return AttentionReduction::kMeanAll;
    case v1::ATTENTION_REDUCTION_ROLLOUT:
      return AttentionReduction::kRollout;
    case v1::ATTENTION_REDUCTION_NO_MAPS:
      return AttentionReduction::kNoMaps;
    default:  // proto3 enums are open: any number can come
      return FieldError("reduction",
                        absl::StrCat(proto, ", required a value of AttentionReduction"));
  }
}

absl::StatusOr<AttentionMapPlan> MakePlan(const v1::ExplainRequest& request,
                                          const ModelInfo& info) {
  ASSIGN_OR_RETURN(const AttentionReduction reduction, ToReduction(request.reduction()));
  ASSIGN_OR_RETURN(AttentionMapPlan plan,
                   PlanAttentionMaps({request.layers(), request.heads(), reduction},
                                     info.num_layers, info.num_heads));
  const int64_t maps = static_cast<int64_t>(plan.maps.size()) * request.inputs_size();
  if (maps > kMaxMaps) {
    return FieldError("inputs",
                      absl::StrCat(request.inputs_size(), " inputs of ", plan.maps.size(),
                                   " maps each, required at most ", kMaxMaps, " maps in one call"));
  }
  return plan;
}

/// Bytes of one map of every input.
int64_t MapBytes(const Explaining& state) {
  int64_t bytes = 0;
  for (const Encoding& encoding : state.encodings) {
    bytes += encoding.size() * encoding.size() * int64_t{sizeof(float)};
  }
  return bytes;
}

/// Accounts for the weights of all layers and heads, the maps that are made from them, and the rows
/// without a word.
absl::Status ReserveResults(const Explaining& state) {
  int64_t bytes = state.attribution ? state.attribution->RowBytes() : 0;
  if (state.wants_maps()) {
    const int64_t max_bytes = state.call->environment.limits.max_message_bytes;
    const int64_t map_bytes = MapBytes(state);
    const int64_t weight_bytes = state.info().num_layers * state.info().num_heads * map_bytes;
    if (weight_bytes > max_bytes) {
      return FieldError("inputs", absl::StrCat("their attention weights take ", weight_bytes,
                                               " bytes, the limit is ", max_bytes));
    }
    bytes += weight_bytes + static_cast<int64_t>(state.plan.maps.size()) * map_bytes;
  }
  return state.call->reactor->ticket().Reserve(bytes);
}

/// The maps of one input of `tokens` tokens, from the weights of all its layers and heads.
void AddMaps(const Explaining& state, const std::vector<float>& attentions, int64_t tokens,
             v1::Explanation* result) {
  std::vector<absl::Span<float>> maps;
  for (const AttentionMapPlan::Map& map : state.plan.maps) {
    v1::AttentionMap* const proto = result->add_maps();
    if (map.layer) proto->set_layer(*map.layer);
    if (map.head) proto->set_head(*map.head);
    char* const weights = Allocate(DType::kF32, {tokens, tokens}, proto->mutable_weights());
    maps.emplace_back(reinterpret_cast<float*>(weights), static_cast<size_t>(tokens * tokens));
  }
  const int64_t num_heads = state.info().num_heads;
  if (state.plan.is_rollout) {
    return WriteAttentionRollouts(state.plan, attentions, num_heads, tokens, maps);
  }
  for (size_t i = 0; i < maps.size(); ++i) {
    WriteAttentionMap(state.plan, state.plan.maps[i], attentions, num_heads, tokens, maps[i]);
  }
}

void Finish(const Explaining& state, std::vector<EncodedRow> rows, CallTiming timing) {
  const v1::ExplainRequest& request = state.call->request;
  v1::ExplainResponse& response = state.call->response;
  absl::Span<const EncodedRow> without_words = rows;
  without_words.remove_prefix(state.encodings.size());
  for (size_t i = 0; i < state.encodings.size(); ++i) {
    const Encoding& encoding = state.encodings[i];
    const v1::TextInput& input = request.inputs(static_cast<int>(i));
    v1::Explanation* const result = response.add_results();
    AddTokens(encoding, input, *state.model->model->AsTextEncoder()->tokenizer(),
              result->mutable_tokens());
    AddMaps(state, rows[i].result.attentions, encoding.size(), result);
    rows[i].result.attentions = {};  // the largest part of the call's memory
    if (state.attribution) {
      state.attribution->Write(input, i, rows[i].result, &without_words,
                               result->mutable_attribution());
    }
    if (state.classifies()) {
      SetClassification(state.info(), std::move(rows[i].result.logits), encoding, request.top_k(),
                        result->mutable_classification());
    }
    result->set_truncated_tokens(encoding.truncated_tokens);
  }
  timing.tokenize += state.tokenizing.tokenize;
  state.call->Finish(request.inputs_size(), timing);
}

void Reject(ExplainCall& call, const absl::Status& status) {
  call.Reply(InInputs(call.request.inputs(), status));
}

/// The second step. The rows without a word go with those of the whole inputs: one group, which
/// shares batches as far as they reach.
absl::Status StartEncoding(const std::shared_ptr<Explaining>& state) {
  const ExplainCall::Pointer& call = state->call;
  if (state->attribution) {
    RETURN_IF_ERROR(state->attribution->SetInputs(call->request, state->encodings));
  }
  RETURN_IF_ERROR(ReserveResults(*state));

  std::vector<EncodeInput> inputs(state->encodings.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    inputs[i].ids = state->encodings[i].ids;
    if (state->info().type_vocab_size > 0) inputs[i].type_ids = state->encodings[i].type_ids;
  }
  if (state->attribution) state->attribution->AddRows(state->encodings, &inputs);
  EncodeOptionsForRows options;
  options.attentions = state->wants_maps();
  options.logits = state->classifies();
  options.embedding = state->attribution && !state->classifies();
  call->environment.inference->Encode(
      state->model, call->reactor->call(), std::move(inputs), options,
      [state](const absl::Status& status, std::vector<EncodedRow> rows, const CallTiming& timing) {
        if (!status.ok()) return Reject(*state->call, status);
        Finish(*state, std::move(rows), timing);
      });
  return absl::OkStatus();
}

}  // namespace

absl::Status StartExplain(const ExplainCall::Pointer& call) {
  const v1::ExplainRequest& request = call->request;
  const auto state = std::make_shared<Explaining>();
  state->call = call;
  ASSIGN_OR_RETURN(state->model, FindModel(call->environment, call->reactor, kExplainNeed,
                                           request.model(), request.model_version()));
  ASSIGN_OR_RETURN(std::vector<EncodeInput> inputs, ToEncodeInputs(request.inputs()));
  RETURN_IF_ERROR(CheckTopK(request.top_k()));
  ASSIGN_OR_RETURN(state->plan, MakePlan(request, state->info()));
  ASSIGN_OR_RETURN(state->attribution, ExplainAttribution::Create(request, state->info()));

  EncodeOptions options;
  options.max_length = std::min(kMaxTokens, state->info().max_length);
  options.truncate = request.truncate();
  ASSIGN_OR_RETURN(options.truncation_side, ToTruncationSide(request.truncation_side()));
  call->response.set_model_version(state->model->version);
  call->environment.inference->Tokenize(
      state->model, call->reactor->call(), std::move(inputs), options,
      [state](absl::Status status, std::vector<Encoding> encodings, const CallTiming& timing) {
        state->encodings = std::move(encodings);
        state->tokenizing = timing;
        if (status.ok()) status = StartEncoding(state);
        if (!status.ok()) Reject(*state->call, status);
      });
  return absl::OkStatus();
}

}  // namespace attentiond
