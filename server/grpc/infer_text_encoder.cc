// server/grpc/infer_text_encoder.cc -- classification of texts and tokens, and embeddings, over
// KServe v2.
#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/weights/quoted.h"
#include "server/grpc/encoder_inputs.h"
#include "server/grpc/encoder_outputs.h"
#include "server/grpc/infer_operation.h"
#include "server/grpc/infer_outputs.h"
#include "server/grpc/infer_tensors.h"
#include "server/inference/field_error.h"
#include "server/inference/prompt.h"

namespace attentiond {
namespace {

class TextEncoderOperation final : public InferOperation {
 public:
  TextEncoderOperation(const InferInput& input, EncoderInputs inputs,
                       const RequestedOutputs& wanted, EncodeOptionsForRows options)
      : info_(*input.info),
        clock_(input.clock),
        inputs_(std::move(inputs)),
        wanted_(wanted),
        options_(std::move(options)),
        writer_(input.response, input.ticket, input.limits.max_message_bytes) {
    sizes_.rows = static_cast<int64_t>(inputs_.rows.size());
    sizes_.dimensions =
        options_.dimensions > 0 ? options_.dimensions : info_.EmbeddingSize(options_.pooling);
    for (const EncodeInput& row : inputs_.rows) texts_.push_back(row.text);
  }

  /// Bounds the outputs, as soon as their width is known.
  absl::Status SetWidth(int64_t width) {
    sizes_.width = width;
    return ReserveEncoderOutputs(info_, wanted_.names(), sizes_, &writer_);
  }

  int64_t rows() const override { return sizes_.rows; }

  void Run(Inference* inference, std::shared_ptr<LoadedModel> model, std::shared_ptr<Call> call,
           InferDone done) override {
    if (inputs_.rows.empty()) {
      absl::Status status = inputs_.width.has_value() ? absl::OkStatus() : SetWidth(0);
      if (status.ok()) status = Write({});
      return done(std::move(status), CallTiming(), absl::ZeroDuration());
    }
    if (!inputs_.width.has_value()) {
      options_.check_lengths = [this](absl::Span<const int64_t> row_tokens) {
        return SetWidth(*std::max_element(row_tokens.begin(), row_tokens.end()));
      };
    }
    inference->Encode(
        std::move(model), std::move(call), std::move(inputs_.rows), options_,
        [this, done = std::move(done)](absl::Status status, std::vector<EncodedRow> rows,
                                       const CallTiming& timing) {
          if (!status.ok()) {
            return done(Named(status), timing, absl::ZeroDuration());
          }
          const absl::Time start = clock_->Now();
          status = Write(rows);
          done(std::move(status), timing, clock_->Now() - start);
        });
  }

 private:
  absl::Status Write(absl::Span<const EncodedRow> rows) {
    return WriteEncoderOutputs(info_, wanted_.names(), sizes_,
                               {.kept_columns = inputs_.kept_columns, .texts = texts_}, rows,
                               &writer_);
  }

  // What the tokenizer or the model refused is a row of one of two inputs.
  absl::Status Named(const absl::Status& status) const {
    if (absl::StartsWith(FieldOf(status), "outputs.")) return status;
    return InField(inputs_.width.has_value() ? "inputs.input_ids" : "inputs.text", status);
  }

  const ModelInfo& info_;
  Clock* const clock_;
  EncoderInputs inputs_;
  std::vector<absl::string_view> texts_;
  const RequestedOutputs wanted_;
  EncodeOptionsForRows options_;
  ResponseWriter writer_;
  EncoderOutputSizes sizes_;
};

absl::Status ReadEmbeddingOptions(InferParameters& parameters, const ModelInfo& info,
                                  EncodeOptionsForRows* options) {
  RETURN_IF_ERROR(parameters.Read("normalize", &options->normalize));
  std::optional<std::string> pooling;
  RETURN_IF_ERROR(parameters.Read("pooling", &pooling));
  if (pooling == "mean") {
    options->pooling = Pooling::kMean;
  } else if (pooling == "cls") {
    options->pooling = Pooling::kCls;
  } else if (pooling.has_value()) {
    return FieldError("parameters.pooling",
                      absl::StrCat("is ", Quoted(*pooling), "; required is \"mean\" or \"cls\""));
  }
  const int64_t size = info.EmbeddingSize(options->pooling);
  if (size == 0) {
    return FieldError("parameters.pooling",
                      "is chosen; required is the model's own: it projects what that makes");
  }
  std::optional<std::string> prompt;
  RETURN_IF_ERROR(parameters.Read("prompt_name", &prompt));
  ASSIGN_OR_RETURN(options->prompt, PromptOf(info, "parameters.prompt_name", prompt));
  std::optional<int64_t> dimensions;
  RETURN_IF_ERROR(parameters.Read("dimensions", &dimensions));
  if (!dimensions.has_value()) return absl::OkStatus();
  if (*dimensions < 1 || *dimensions > size) {
    return FieldError("parameters.dimensions",
                      absl::StrCat("is ", *dimensions, "; required is 1 to ", size));
  }
  options->dimensions = *dimensions;
  return absl::OkStatus();
}

absl::StatusOr<EncodeOptionsForRows> ReadOptions(InferParameters& parameters, const ModelInfo& info,
                                                 const RequestedOutputs& wanted) {
  EncodeOptionsForRows options;
  RETURN_IF_ERROR(parameters.Read("truncate", &options.truncate));
  RETURN_IF_ERROR(parameters.Read("truncation_side", &options.truncation_side));
  if (info.kind == ModelKind::kEmbedding) {
    RETURN_IF_ERROR(ReadEmbeddingOptions(parameters, info, &options));
  }
  RETURN_IF_ERROR(parameters.CheckAllKnown());
  for (const absl::string_view name : {"label", "score", "probabilities", "logits", "entities"}) {
    options.logits |= wanted.Has(name);
  }
  options.embedding = wanted.Has("embedding");
  options.hidden_state = wanted.Has("last_hidden_state");
  options.attentions = wanted.Has("attentions");
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<InferOperation>> MakeTextEncoderOperation(const InferInput& input) {
  ASSIGN_OR_RETURN(const InferTensors tensors, ReadTensors(input));
  ASSIGN_OR_RETURN(EncodeOptionsForRows options,
                   ReadOptions(input.parameters, *input.info, tensors.wanted));
  ASSIGN_OR_RETURN(EncoderInputs inputs,
                   ReadEncoderInputs(tensors.inputs, *input.info, input.has_tokenizer));
  const std::optional<int64_t> width = inputs.width;
  auto operation = std::make_unique<TextEncoderOperation>(input, std::move(inputs), tensors.wanted,
                                                          std::move(options));
  if (width.has_value()) RETURN_IF_ERROR(operation->SetWidth(*width));
  return operation;
}

}  // namespace attentiond
