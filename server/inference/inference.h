// server/inference/inference.h -- the operations that both gRPC surfaces offer, without gRPC.
//
// Each operation validates, admits, tokenises, queues, and calls `done` exactly once, from any
// thread, possibly before it returns. Nothing here blocks the caller. Of a model's statistics it
// records executions; requests are the transport's to record, which also sees those that end before
// they come here.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/engine/model.h"
#include "core/ops/attention.h"
#include "server/inference/call.h"
#include "server/inference/generate.h"
#include "server/inference/image_inputs.h"
#include "server/repository/model_repository.h"

namespace attentiond {

/// Raw attention. The transport owns what the views point to (inputs, and outputs already sized)
/// and keeps it until `done` is called: put it in the callback's captures.
struct AttendRequest {
  AttentionArgs
      args;  ///< validated by the transport for shapes; spans inside must outlive the call too
  AttentionOutputs outputs;
  int64_t tokens = 1;  ///< B * max(Sq, Sk): the batching cost
};

/// One text row, or one row of ids.
struct EncodeInput {
  absl::string_view text;  ///< used when `ids` is empty
  std::optional<absl::string_view> text_pair;
  std::vector<int32_t> ids, type_ids, positions;  ///< as in EncoderRow
  bool skip_attentions = false;                   ///< even if the options ask for them
};

/// What every row of an encode request asks for; the fields are EncoderRow's.
struct EncodeOptionsForRows {
  bool logits = false, embedding = false, hidden_state = false, attentions = false;
  Pooling pooling = Pooling::kModelDefault;
  bool normalize = true;
  int64_t dimensions = 0;
  std::string prompt;  ///< put before each text
  bool truncate = false;
  TruncationSide truncation_side = TruncationSide::kRight;
  /// Told how many tokens each row has as soon as that is known, before anything is queued for
  /// compute; an error ends the request. For limits on what the results would take. May be empty.
  std::function<absl::Status(absl::Span<const int64_t> row_tokens)> check_lengths;
};

struct EncodedRow {
  Encoding encoding;  ///< ids (and offsets, when it came as text)
  EncoderRowResult result;
};

using ImageCallback = std::function<void(
    absl::Status status, std::vector<std::vector<float>> logits, const CallTiming& timing)>;
using DoneCallback = std::function<void(absl::Status status, const CallTiming& timing)>;
using TokenizeCallback = std::function<void(absl::Status status, std::vector<Encoding> encodings,
                                            const CallTiming& timing)>;
using EncodeCallback = std::function<void(absl::Status status, std::vector<EncodedRow> rows,
                                          const CallTiming& timing)>;

/// Threads: every method may be called concurrently.
///
/// Errors of every operation, through `done`: kFailedPrecondition: the wrong task for the model.
/// kInvalidArgument: names the row ("row 3: ..."), or more rows than the queue holds.
/// kResourceExhausted: a queue is full.
/// kDeadlineExceeded, kCancelled: before compute is spent. kUnavailable: unloaded or shutting down.
/// Queue, tokenize and compute times and tokens are recorded here; how a request ended is the
/// transport's to record.
class Inference {
 public:
  struct Options {
    int tokenizer_threads = 1;
    int64_t max_rows_per_request = 4096;
    int64_t max_text_bytes = int64_t{16} << 20;  ///< of one row, a pair's texts together
    int64_t max_waiting_tokenizations = 1024;    ///< requests; more are kResourceExhausted
    ImageLimits images;                          ///< of each picture
    int image_threads = 1;                       ///< that decode pictures, each one at a time
    int64_t max_waiting_images = 256;  ///< requests with files; more are kResourceExhausted
  };
  /// `clock` is borrowed and must outlive the scheduler, whose last batches use it.
  Inference(ModelRepository* repository, Clock* clock, const Options& options);
  /// Ends what waits to be tokenized with kUnavailable; what is queued for compute goes on.
  ~Inference();

  /// The built-in model "attention".
  void Attend(std::shared_ptr<LoadedModel> model, std::shared_ptr<Call> call, AttendRequest request,
              DoneCallback done);

  /// A model of kind kAttentionLayer. The views inside are the transport's, as in Attend.
  void RunAttentionLayer(std::shared_ptr<LoadedModel> model, std::shared_ptr<Call> call,
                         AttentionLayerCall request, DoneCallback done);

  /// The tokenizer of a text encoder alone, on the tokenizer threads: nothing is queued for
  /// compute. `inputs` are texts and borrow the transport's until `done`, which may go on working
  /// for a while: it is not called on a reactor thread once a text was tokenized.
  void Tokenize(std::shared_ptr<LoadedModel> model, std::shared_ptr<Call> call,
                std::vector<EncodeInput> inputs, EncodeOptions options, TokenizeCallback done);

  /// A model that writes text. `inputs` borrow the transport's until `done`: texts, of a model with
  /// a tokenizer, or pictures. Each row, or each sentence of one, joins the model's running batch
  /// on its own and leaves it when it is finished; the first row that fails fails the request.
  /// `observer` (may be nullptr) is told of what is written meanwhile.
  void Generate(std::shared_ptr<LoadedModel> model, std::shared_ptr<Call> call,
                std::vector<GenerateInput> inputs, GenerateOptions options,
                std::shared_ptr<GenerateObserver> observer, GenerateCallback done);

  /// A text encoder. `inputs` borrow the transport's text until `done`. Each row is batched on its
  /// own, and its result does not depend on what else is in its batches; the first row that fails
  /// fails the request. A small request is tokenized by the caller, a large one by another thread.
  void Encode(std::shared_ptr<LoadedModel> model, std::shared_ptr<Call> call,
              std::vector<EncodeInput> inputs, EncodeOptionsForRows options, EncodeCallback done);

  /// A model of kind kImageClassification. `inputs` borrow the transport's bytes until `done`;
  /// files only of a model with an image processor. Files are decoded, and
  /// many pixel values copied, by threads of their own. Each
  /// picture is batched on its own; the first that fails fails the request.
  void ClassifyImages(std::shared_ptr<LoadedModel> model, std::shared_ptr<Call> call,
                      std::vector<ImageInput> inputs, ImageCallback done);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace attentiond
