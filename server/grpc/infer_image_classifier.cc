// server/grpc/infer_image_classifier.cc -- classification of pictures over KServe v2.
#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/grpc/image_tensors.h"
#include "server/grpc/infer_operation.h"
#include "server/grpc/infer_outputs.h"
#include "server/grpc/infer_tensors.h"
#include "server/inference/classification.h"
#include "server/inference/field_error.h"

namespace attentiond {
namespace {

/// The shapes of the outputs.
struct Sizes {
  int64_t rows = 0;
  int64_t labels = 0;
  std::optional<int64_t> top_k;  ///< without it: one label of each picture, in one dimension

  std::vector<int64_t> Best() const {
    return top_k ? std::vector<int64_t>{rows, *top_k} : std::vector<int64_t>{rows};
  }
  std::vector<int64_t> All() const { return {rows, labels}; }
};

bool IsOfBest(absl::string_view name) { return name == "label" || name == "score"; }

class ImageClassifierOperation final : public InferOperation {
 public:
  ImageClassifierOperation(const InferInput& input, std::vector<ImageInput> inputs,
                           absl::string_view field, const RequestedOutputs& wanted,
                           const Sizes& sizes, ResponseWriter writer)
      : info_(*input.info),
        clock_(input.clock),
        inputs_(std::move(inputs)),
        field_(field),
        wanted_(wanted),
        sizes_(sizes),
        writer_(writer) {}

  int64_t rows() const override { return sizes_.rows; }

  void Run(Inference* inference, std::shared_ptr<LoadedModel> model, std::shared_ptr<Call> call,
           InferDone done) override {
    inference->ClassifyImages(
        std::move(model), std::move(call), std::move(inputs_),
        [this, done = std::move(done)](absl::Status status, std::vector<std::vector<float>> logits,
                                       const CallTiming& timing) {
          if (!status.ok()) return done(InField(field_, status), timing, absl::ZeroDuration());
          const absl::Time start = clock_->Now();
          status = Write(logits);
          done(std::move(status), timing, clock_->Now() - start);
        });
  }

 private:
  absl::Status Write(const std::vector<std::vector<float>>& logits) {
    for (const absl::string_view name : wanted_.names()) {
      if (IsOfBest(name)) {
        RETURN_IF_ERROR(WriteBest(name, logits));
      } else {
        RETURN_IF_ERROR(WriteAll(name, logits));
      }
    }
    return absl::OkStatus();
  }

  absl::Status WriteBest(absl::string_view name, const std::vector<std::vector<float>>& logits) {
    std::vector<std::string> labels;
    std::vector<float> scores;
    for (const std::vector<float>& row : logits) {
      for (RankedLabel& best :
           RankLabels(info_, LabelScores(info_, row), sizes_.top_k.value_or(1))) {
        labels.push_back(std::move(best.label));
        scores.push_back(best.score);
      }
    }
    if (name == "label") {
      writer_.AddBytes(name, labels, sizes_.Best());
      return absl::OkStatus();
    }
    return WriteFloats(name, scores, sizes_.Best());
  }

  absl::Status WriteAll(absl::string_view name, const std::vector<std::vector<float>>& logits) {
    std::vector<float> all;
    for (const std::vector<float>& row : logits) {
      const std::vector<float> values = name == "logits" ? row : LabelScores(info_, row);
      all.insert(all.end(), values.begin(), values.end());
    }
    return WriteFloats(name, all, sizes_.All());
  }

  absl::Status WriteFloats(absl::string_view name, const std::vector<float>& values,
                           absl::Span<const int64_t> dims) {
    ASSIGN_OR_RETURN(const Shape shape, Shape::Create(dims));
    const absl::Span<float> out = writer_.Add(name, DType::kF32, shape).values<float>();
    if (values.size() != out.size()) {
      return absl::InternalError(absl::StrCat("the model gave ", values.size(), " elements of ",
                                              name, ", expected were ", out.size()));
    }
    std::copy(values.begin(), values.end(), out.begin());
    return absl::OkStatus();
  }

  const ModelInfo& info_;
  Clock* const clock_;
  std::vector<ImageInput> inputs_;
  const absl::string_view field_;  // what they came in: "inputs.image"
  const RequestedOutputs wanted_;
  const Sizes sizes_;
  ResponseWriter writer_;
};

absl::StatusOr<std::optional<int64_t>> ReadTopK(InferParameters& parameters,
                                                const ModelInfo& info) {
  std::optional<int64_t> top_k;
  RETURN_IF_ERROR(parameters.Read("top_k", &top_k));
  const auto labels = static_cast<int64_t>(info.labels.size());
  if (top_k && (*top_k < 1 || *top_k > labels)) {
    return FieldError("parameters.top_k",
                      absl::StrCat("is ", *top_k, "; required is 1 to ", labels));
  }
  return top_k;
}

/// Of the outputs, and of what the pictures become.
absl::Status ReserveRoom(const RequestedOutputs& wanted, const Sizes& sizes,
                         const InferInput& input, ResponseWriter* writer) {
  for (const absl::string_view name : wanted.names()) {
    if (name == "label") continue;  // a name: no more than what the reply has anyway
    RETURN_IF_ERROR(
        writer->Reserve(name, DType::kF32, IsOfBest(name) ? sizes.Best() : sizes.All()));
  }
  return input.ticket->Reserve(sizes.rows * PixelBytes(*input.info));
}

}  // namespace

absl::StatusOr<std::unique_ptr<InferOperation>> MakeImageClassifierOperation(
    const InferInput& input) {
  ASSIGN_OR_RETURN(const InferTensors tensors, ReadTensors(input));
  Sizes sizes;
  ASSIGN_OR_RETURN(sizes.top_k, ReadTopK(input.parameters, *input.info));
  RETURN_IF_ERROR(input.parameters.CheckAllKnown());

  ASSIGN_OR_RETURN(ImageTensors images,
                   ReadImageTensors(tensors.inputs, input.has_image_processor));
  sizes.rows = static_cast<int64_t>(images.inputs.size());
  sizes.labels = static_cast<int64_t>(input.info->labels.size());
  ResponseWriter writer(input.response, input.ticket, input.limits.max_message_bytes);
  RETURN_IF_ERROR(ReserveRoom(tensors.wanted, sizes, input, &writer));
  return std::make_unique<ImageClassifierOperation>(input, std::move(images.inputs), images.field,
                                                    tensors.wanted, sizes, writer);
}

}  // namespace attentiond
