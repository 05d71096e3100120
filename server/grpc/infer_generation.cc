// server/grpc/infer_generation.cc -- translation and image captioning over KServe v2.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/generate/generation_config.h"
#include "core/weights/json_file.h"
#include "server/grpc/generation_limits.h"
#include "server/grpc/image_tensors.h"
#include "server/grpc/infer_operation.h"
#include "server/grpc/infer_outputs.h"
#include "server/grpc/infer_tensors.h"
#include "server/inference/field_error.h"

namespace attentiond {
namespace {

class GenerationOperation final : public InferOperation {
 public:
  GenerationOperation(const InferInput& input, std::vector<GenerateInput> inputs,
                      absl::string_view field, const RequestedOutputs& wanted,
                      GenerateOptions options)
      : clock_(input.clock),
        inputs_(std::move(inputs)),
        field_(field),
        wanted_(wanted),
        options_(std::move(options)),
        num_rows_(static_cast<int64_t>(inputs_.size())),
        writer_(input.response, input.ticket, input.limits.max_message_bytes) {}

  int64_t rows() const override { return num_rows_; }

  void Run(Inference* inference, std::shared_ptr<LoadedModel> model, std::shared_ptr<Call> call,
           InferDone done) override {
    inference->Generate(
        std::move(model), std::move(call), std::move(inputs_), options_, /*observer=*/nullptr,
        [this, done = std::move(done)](absl::Status status, const std::vector<GeneratedRow>& rows,
                                       const CallTiming& timing) {
          if (!status.ok()) {
            const bool is_about_row = absl::StartsWith(FieldOf(status), "row ");
            return done(is_about_row ? InField(field_, status) : status, timing,
                        absl::ZeroDuration());
          }
          const absl::Time start = clock_->Now();
          status = Write(rows);
          done(std::move(status), timing, clock_->Now() - start);
        });
  }

 private:
  // One text of each row in one dimension; several in two.
  std::vector<int64_t> TextDims() const {
    const int64_t alternatives = options_.generation.num_return_sequences;
    if (alternatives == 1) return {num_rows_};
    return {num_rows_, alternatives};
  }

  absl::Status Write(const std::vector<GeneratedRow>& rows) {
    const int64_t alternatives = options_.generation.num_return_sequences;
    for (const GeneratedRow& row : rows) {
      if (static_cast<int64_t>(row.alternatives.size()) == alternatives) continue;
      // White space alone: nothing is written of it, however many were asked for.
      if (row.sentences == 0 && alternatives == 1) continue;
      return absl::InternalError(absl::StrCat("the model gave ", row.alternatives.size(),
                                              " texts, expected were ", alternatives));
    }
    for (const absl::string_view name : wanted_.names()) {
      if (name == "generated_text") {
        WriteTexts(rows);
      } else if (name == "score") {
        RETURN_IF_ERROR(WriteScores(rows));
      } else {
        RETURN_IF_ERROR(WriteIds(name, rows));
      }
    }
    return absl::OkStatus();
  }

  void WriteTexts(const std::vector<GeneratedRow>& rows) {
    std::vector<std::string> texts;
    for (const GeneratedRow& row : rows) {
      for (const GeneratedRow::Alternative& each : row.alternatives) texts.push_back(each.text);
    }
    writer_.AddBytes("generated_text", texts, TextDims());
  }

  absl::Status WriteScores(const std::vector<GeneratedRow>& rows) {
    RETURN_IF_ERROR(writer_.Reserve("score", DType::kF32, TextDims()));
    ASSIGN_OR_RETURN(const Shape shape, Shape::Create(TextDims()));
    const absl::Span<float> out = writer_.Add("score", DType::kF32, shape).values<float>();
    size_t next = 0;
    for (const GeneratedRow& row : rows) {
      for (const GeneratedRow::Alternative& each : row.alternatives) {
        out[next++] = static_cast<float>(each.score);
      }
    }
    return absl::OkStatus();
  }

  // input_ids, or output_ids of the best: -1 past a row's length.
  absl::Status WriteIds(absl::string_view name, const std::vector<GeneratedRow>& rows) {
    const auto ids_of = [name](const GeneratedRow& row) -> const std::vector<int32_t>& {
      return name == "input_ids" ? row.source_ids : row.alternatives.front().ids;
    };
    size_t width = 0;
    for (const GeneratedRow& row : rows) width = std::max(width, ids_of(row).size());
    const std::vector<int64_t> dims = {num_rows_, static_cast<int64_t>(width)};
    RETURN_IF_ERROR(writer_.Reserve(name, DType::kI64, dims));
    ASSIGN_OR_RETURN(const Shape shape, Shape::Create(dims));
    const absl::Span<int64_t> out = writer_.Add(name, DType::kI64, shape).values<int64_t>();
    std::fill(out.begin(), out.end(), -1);
    for (size_t row = 0; row < rows.size(); ++row) {
      const std::vector<int32_t>& ids = ids_of(rows[row]);
      std::copy(ids.begin(), ids.end(), out.begin() + static_cast<ptrdiff_t>(row * width));
    }
    return absl::OkStatus();
  }

  Clock* const clock_;
  std::vector<GenerateInput> inputs_;
  const absl::string_view field_;  // what they came in: "inputs.text"
  const RequestedOutputs wanted_;
  const GenerateOptions options_;
  const int64_t num_rows_;
  ResponseWriter writer_;
};

absl::StatusOr<nlohmann::json> ToJson(absl::string_view name,
                                      const inference::InferParameter& parameter) {
  switch (parameter.parameter_choice_case()) {
    case inference::InferParameter::kBoolParam:
      return parameter.bool_param();
    case inference::InferParameter::kInt64Param:
      return parameter.int64_param();
    case inference::InferParameter::kUint64Param:
      return parameter.uint64_param();
    case inference::InferParameter::kDoubleParam:
      return parameter.double_param();
    case inference::InferParameter::kStringParam: {
      // Lists of tokens, and "never".
      if (parameter.string_param() == "never") return nlohmann::json("never");
      auto value = ParseJson(parameter.string_param());
      if (!value.ok()) {
        return FieldError(absl::StrCat("parameters.", name),
                          absl::StrCat("is no JSON: ", value.status().message()));
      }
      return value;
    }
    case inference::InferParameter::PARAMETER_CHOICE_NOT_SET:
      break;
  }
  return FieldError(absl::StrCat("parameters.", name), "has no value; required is one");
}

absl::Status ReadGeneration(InferParameters& parameters, GenerateOptions* options) {
  for (const absl::string_view name : GenerationOptionNames()) {
    const inference::InferParameter* const parameter = parameters.Get(name);
    if (parameter == nullptr) continue;
    ASSIGN_OR_RETURN(nlohmann::json value, ToJson(name, *parameter));
    // JSON has no two kinds of whole numbers; what is never negative is of the other kind.
    if (value.is_number_integer() && !value.is_number_unsigned() && value.get<int64_t>() >= 0) {
      value = static_cast<uint64_t>(value.get<int64_t>());
    }
    const absl::Status set = SetGenerationOption(name, value, &options->generation);
    if (!set.ok()) return InField(absl::StrCat("parameters.", name), set);
    options->has_forced_bos |= name == "forced_bos_token_id";
  }
  return absl::OkStatus();
}

absl::StatusOr<GenerateOptions> ReadOptions(const InferInput& input) {
  InferParameters& parameters = input.parameters;
  const GenerationDefaults defaults{*input.info, *input.generator, input.limits};
  GenerateOptions options;
  options.generation = OptionsOf(defaults);
  RETURN_IF_ERROR(ReadGeneration(parameters, &options));
  if (input.info->kind == ModelKind::kTranslation) {
    RETURN_IF_ERROR(parameters.Read("source_lang", &options.languages.source));
    RETURN_IF_ERROR(parameters.Read("target_lang", &options.languages.target));
    RETURN_IF_ERROR(parameters.Read("split_sentences", &options.split_sentences));
    RETURN_IF_ERROR(parameters.Read("truncate", &options.truncate));
    RETURN_IF_ERROR(parameters.Read("truncation_side", &options.truncation_side));
  }
  RETURN_IF_ERROR(parameters.CheckAllKnown());
  const absl::Status checked = CheckOptions(defaults, options.generation);
  if (!checked.ok()) return InField("parameters", checked);
  if (options.split_sentences && options.generation.num_return_sequences > 1) {
    return FieldError("parameters.split_sentences",
                      "is true; required is false with num_return_sequences above 1");
  }
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<InferOperation>> MakeGenerationOperation(const InferInput& input) {
  ASSIGN_OR_RETURN(const InferTensors tensors, ReadTensors(input));
  ASSIGN_OR_RETURN(GenerateOptions options, ReadOptions(input));
  std::vector<GenerateInput> inputs;
  absl::string_view field = "inputs.text";
  if (input.info->kind == ModelKind::kCaptioning) {
    ASSIGN_OR_RETURN(const ImageTensors images,
                     ReadImageTensors(tensors.inputs, input.has_image_processor));
    field = images.field;
    for (const ImageInput& image : images.inputs) inputs.push_back({{}, image});
    RETURN_IF_ERROR(
        input.ticket->Reserve(static_cast<int64_t>(inputs.size()) * PixelBytes(*input.info)));
  } else {
    if (!input.has_tokenizer) {
      return absl::FailedPreconditionError("the model has no tokenizer: it takes no text");
    }
    const InputTensor* const texts = tensors.inputs.Find("text");
    if (texts == nullptr) return FieldError(field, "is missing; it is required");
    for (const absl::string_view text : texts->elements) {
      inputs.push_back({text, {}});
    }
  }
  return std::make_unique<GenerationOperation>(input, std::move(inputs), field, tensors.wanted,
                                               std::move(options));
}

}  // namespace attentiond
