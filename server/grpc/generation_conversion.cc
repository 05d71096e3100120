#include "server/grpc/generation_conversion.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "server/grpc/attention_service_conversion.h"
#include "server/inference/cross_attention.h"
#include "server/inference/field_error.h"
#include "server/inference/text_stream.h"

namespace attentiond {
namespace {

// Maps of more rows than this make a reply that nobody looks at.
constexpr int kMaxCrossAttentionRows = 64;

absl::Status SetEarlyStopping(v1::EarlyStopping proto, GenerationOptions* options) {
  switch (proto) {
    case v1::EARLY_STOPPING_UNSPECIFIED:
      return absl::OkStatus();
    case v1::EARLY_STOPPING_HEURISTIC:
      options->early_stopping = EarlyStopping::kHeuristic;
      return absl::OkStatus();
    case v1::EARLY_STOPPING_AT_ONCE:
      options->early_stopping = EarlyStopping::kAtOnce;
      return absl::OkStatus();
    case v1::EARLY_STOPPING_NEVER:
      options->early_stopping = EarlyStopping::kNever;
      return absl::OkStatus();
    default:  // proto3 enums are open: any number can come
      return FieldError("generation.early_stopping",
                        absl::StrCat(proto, ", required a value of EarlyStopping"));
  }
}

void SetTokens(const google::protobuf::RepeatedField<int32_t>& proto, std::vector<int32_t>* ids) {
  if (!proto.empty()) ids->assign(proto.begin(), proto.end());
}

absl::Status Apply(const v1::GenerationParameters& p, GenerateOptions* options) {
  GenerationOptions& g = options->generation;
  if (p.has_num_beams()) g.num_beams = p.num_beams();
  if (p.has_num_return_sequences()) g.num_return_sequences = p.num_return_sequences();
  if (p.has_max_new_tokens()) g.max_new_tokens = p.max_new_tokens();
  if (p.has_min_new_tokens()) g.min_new_tokens = p.min_new_tokens();
  if (p.has_length_penalty()) g.length_penalty = p.length_penalty();
  RETURN_IF_ERROR(SetEarlyStopping(p.early_stopping(), &g));
  if (p.has_repetition_penalty()) g.repetition_penalty = p.repetition_penalty();
  if (p.has_no_repeat_ngram_size()) g.no_repeat_ngram_size = p.no_repeat_ngram_size();
  if (p.bad_words_size() > 0) g.bad_words_ids.clear();
  for (int i = 0; i < p.bad_words_size(); ++i) {
    const auto& ids = p.bad_words(i).ids();
    if (ids.empty()) {
      return FieldError(absl::StrCat("generation.bad_words[", i, "].ids"),
                        "empty, required at least one");
    }
    g.bad_words_ids.emplace_back(ids.begin(), ids.end());
  }
  SetTokens(p.suppress_tokens(), &g.suppress_tokens);
  SetTokens(p.begin_suppress_tokens(), &g.begin_suppress_tokens);
  SetTokens(p.forced_eos_token_id(), &g.forced_eos_token_id);
  options->has_forced_bos = p.has_forced_bos_token_id();
  if (options->has_forced_bos) g.forced_bos_token_id = p.forced_bos_token_id();
  if (p.has_do_sample()) g.do_sample = p.do_sample();
  if (p.has_temperature()) g.temperature = p.temperature();
  if (p.has_top_k()) g.top_k = p.top_k();
  if (p.has_top_p()) g.top_p = p.top_p();
  if (p.has_seed()) g.seed = p.seed();
  return absl::OkStatus();
}

absl::StatusOr<GenerateOptions> ToOptions(const v1::GenerationParameters& parameters,
                                          bool cross_attention, int rows,
                                          const GenerationDefaults& defaults) {
  GenerateOptions options;
  options.generation = OptionsOf(defaults);
  RETURN_IF_ERROR(Apply(parameters, &options));
  const absl::Status checked = CheckOptions(defaults, options.generation);
  if (!checked.ok()) return InField("generation", checked);
  options.cross_attention = cross_attention;
  if (cross_attention && rows > kMaxCrossAttentionRows) {
    return FieldError(
        "return_cross_attention",
        absl::StrCat("true with ", rows, " inputs, required at most ", kMaxCrossAttentionRows));
  }
  return options;
}

void SetCrossAttention(const GenerationDefaults& defaults, const GeneratedRow& row,
                       v1::CrossAttention* proto) {
  TextStream text(&defaults.generator);
  for (const int32_t id : row.alternatives.front().ids) {
    v1::GeneratedToken* const token = proto->add_tokens();
    token->set_id(id);
    token->set_token(defaults.generator.TokenText(id));
    token->set_text(text.Add(id));
  }
  v1::Tensor* const weights = proto->mutable_weights();
  weights->set_dtype(v1::DATA_TYPE_FP32);
  weights->add_shape(static_cast<int64_t>(row.alternatives.front().ids.size()));
  weights->add_shape(row.input_tokens);
  weights->set_data(row.cross_attention.data(), row.cross_attention.size() * sizeof(float));
  if (row.source_ids.empty()) {
    const auto side = static_cast<int32_t>(PatchGridSide(row.input_tokens));
    proto->set_grid_height(side);
    proto->set_grid_width(side);
    return;
  }
  for (const int32_t id : row.source_ids) {
    proto->add_source_tokens(defaults.generator.TokenText(id));
  }
}

void AddAlternatives(const GenerationDefaults& defaults, const GeneratedRow& row,
                     google::protobuf::RepeatedPtrField<v1::GeneratedText>* alternatives) {
  for (const GeneratedRow::Alternative& alternative : row.alternatives) {
    v1::GeneratedText* const text = alternatives->Add();
    text->set_text(alternative.text);
    text->set_score(alternative.score);
    text->mutable_token_ids()->Assign(alternative.ids.begin(), alternative.ids.end());
  }
  if (row.cross_attention.empty()) return;
  SetCrossAttention(defaults, row, alternatives->Mutable(0)->mutable_cross_attention());
}

}  // namespace

absl::StatusOr<std::vector<GenerateInput>> ToGenerateInputs(const v1::TranslateRequest& request) {
  if (request.texts().empty()) return FieldError("texts", "empty, required at least one");
  std::vector<GenerateInput> inputs(static_cast<size_t>(request.texts_size()));
  for (size_t i = 0; i < inputs.size(); ++i) inputs[i].text = request.texts(static_cast<int>(i));
  return inputs;
}

absl::StatusOr<std::vector<GenerateInput>> ToGenerateInputs(const v1::CaptionRequest& request) {
  if (request.images().empty()) return FieldError("images", "empty, required at least one");
  std::vector<GenerateInput> inputs(static_cast<size_t>(request.images_size()));
  for (size_t i = 0; i < inputs.size(); ++i)
    inputs[i].image.file = request.images(static_cast<int>(i));
  return inputs;
}

absl::StatusOr<GenerateOptions> ToGenerateOptions(const v1::TranslateRequest& request,
                                                  const GenerationDefaults& defaults) {
  ASSIGN_OR_RETURN(GenerateOptions options,
                   ToOptions(request.generation(), request.return_cross_attention(),
                             request.texts_size(), defaults));
  options.truncate = request.truncate();
  ASSIGN_OR_RETURN(options.truncation_side, ToTruncationSide(request.truncation_side()));
  options.languages = {request.source_lang(), request.target_lang()};
  options.split_sentences = request.split_sentences();
  if (options.split_sentences && options.cross_attention) {
    return FieldError("return_cross_attention", "true, required false with split_sentences");
  }
  return options;
}

absl::StatusOr<GenerateOptions> ToGenerateOptions(const v1::CaptionRequest& request,
                                                  const GenerationDefaults& defaults) {
  return ToOptions(request.generation(), request.return_cross_attention(), request.images_size(),
                   defaults);
}

absl::Status InElements(absl::string_view field, const absl::Status& status) {
  const std::string found = FieldOf(status);
  absl::string_view row = found;
  int index = 0;
  if (!absl::ConsumePrefix(&row, "row ") || !absl::SimpleAtoi(row, &index)) return status;
  const absl::string_view problem = status.message();
  const std::string path = absl::StrCat(field, "[", index, "]");
  if (status.code() == absl::StatusCode::kInvalidArgument) {
    return FieldError(path, problem.substr(std::min(problem.size(), found.size() + 2)));
  }
  return status;
}

void SetResult(const GenerationDefaults& defaults, const GeneratedRow& row,
               v1::Translation* result) {
  AddAlternatives(defaults, row, result->mutable_alternatives());
  result->set_input_tokens(row.input_tokens);
  result->set_truncated_tokens(row.truncated_tokens);
  result->set_sentences(static_cast<int32_t>(row.sentences));
}

void SetResult(const GenerationDefaults& defaults, const GeneratedRow& row,
               v1::CaptionResult* result) {
  AddAlternatives(defaults, row, result->mutable_alternatives());
}

}  // namespace attentiond
