// core/engine/model.h -- the door of core/: load a checkpoint, run batches of rows through it.
//
// Public header of core/. LoadModel() says which kind a directory is; then cast by ModelInfo::kind
// with the As...() accessors. core/models has what is behind it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/models/attention_layer_call.h"
#include "core/models/pooling.h"
#include "core/models/score_function.h"
#include "core/ops/execution_context.h"
#include "core/tensor/dtype.h"
#include "core/text/tokenizer.h"
#include "core/vision/image_size.h"

namespace attentiond {

enum class ModelKind : uint8_t {
  kAttentionLayer,          ///< a torch.nn.MultiheadAttention state dict
  kSequenceClassification,  ///< an encoder with a classification head
  kTokenClassification,     ///< an encoder with a head for each token: named entities
  kEmbedding,               ///< an encoder without a head
  kTranslation,             ///< an encoder and a decoder of text
  kCaptioning,              ///< an encoder of images and a decoder of text
  kImageClassification,     ///< an encoder of images with a classification head
};

/// What is known of a loaded model; constant.
struct ModelInfo {
  ModelKind kind = ModelKind::kEmbedding;
  std::string
      architecture;  ///< config.json's model_type: "bert", "deberta-v2", "multihead_attention"
  DType compute = DType::kF32;  ///< what is multiplied: kF32, kBF16 or kI8 (linear layers)
  /// Of kI8 alone: the lowest cosine between an output and the same in f32, for inputs that are
  /// always the same. Below kWorryingInt8Cosine the model may well answer differently.
  std::optional<double> int8_cosine;
  static constexpr double kWorryingInt8Cosine = 0.99;
  int64_t hidden_size = 0;
  int64_t num_layers = 0;
  int64_t num_heads = 0;
  int64_t max_length = 0;  ///< most tokens of a row, special ones included
  ImageSize image;         ///< of models of pictures: what pixel values are [3, height, width] of
  /// Values of an embedding as the model makes it, and when a request chooses the pooling; 0: it
  /// cannot choose.
  int64_t embedding_size = 0, chosen_embedding_size = 0;
  int64_t EmbeddingSize(Pooling pooling) const {
    return pooling == Pooling::kModelDefault ? embedding_size : chosen_embedding_size;
  }
  int64_t vocab_size = 0;
  int64_t type_vocab_size = 0;  ///< 0: the model has no token types
  /// Set: tokens of this id do not count as places. Of ids that come with a mask, a token's
  /// position is then the number of other ids before it, masked ones included.
  std::optional<int32_t> padding_id;
  /// Embeddings only: texts by name, to be put before a text; and the name of the one that is used
  /// unless a request says otherwise, or "".
  std::map<std::string, std::string> prompts;
  std::string default_prompt;
  std::vector<std::string> labels;                         ///< id2label, by id; classification only
  ScoreFunction score_function = ScoreFunction::kSoftmax;  ///< classification only
  int64_t key_size = 0, value_size = 0;                    ///< kdim, vdim of an attention layer
  size_t weight_bytes = 0;  ///< resident bytes of packed weights and tables
  std::string
      tokenizer;  ///< file that the tokenizer came from; empty: none, only input_ids are accepted
};

/// One row of a ragged batch for an encoder. Borrowed until Run() returns.
struct EncoderRow {
  absl::Span<const int32_t> ids;        ///< at least 1, at most max_length; each in [0, vocab_size)
  absl::Span<const int32_t> type_ids;   ///< empty: zeros; each in [0, type_vocab_size)
  absl::Span<const int32_t> positions;  ///< empty: 0, 1, 2...; each in [0, max_length)

  bool want_logits = false;  ///< classification models, of texts or tokens
  bool want_embedding = false;
  bool want_hidden_state = false;
  bool want_attentions = false;
  Pooling pooling = Pooling::kModelDefault;
  bool normalize = true;   ///< L2, of the embedding
  int64_t dimensions = 0;  ///< keep the first so many of the embedding before normalising; 0: all
};

/// What a row asked for; the rest stays empty.
struct EncoderRowResult {
  std::vector<float> logits;        ///< [labels]; of a token classification model [tokens, labels]
  std::vector<float> embedding;     ///< [dimensions], or [EmbeddingSize()]
  std::vector<float> hidden_state;  ///< [tokens, hidden_size]
  std::vector<float> attentions;    ///< [layers, heads, tokens, tokens]
};

/// Text encoders of every family. Threads: Validate and tokenizer() may be used concurrently with
/// anything; Run by one thread per context.
class TextEncoder {
 public:
  virtual ~TextEncoder() = default;
  /// nullptr when the checkpoint has no tokenizer files.
  virtual const Tokenizer* tokenizer() const = 0;
  /// The constraints of EncoderRow; kInvalidArgument names the field, what was found and what is
  /// required.
  virtual absl::Status Validate(const EncoderRow& row) const = 0;
  /// Runs valid rows as one ragged batch (no padding is computed). results->size() becomes
  /// rows.size(). A row's result does not depend on the other rows beyond rounding.
  virtual absl::Status Run(absl::Span<const EncoderRow> rows, ExecutionContext& context,
                           std::vector<EncoderRowResult>* results) const = 0;
};

/// Loaded torch.nn.MultiheadAttention. Source: Vaswani et al. 2017, arXiv:1706.03762,
/// section 3.2.2.
class AttentionLayer {
 public:
  virtual ~AttentionLayer() = default;
  virtual absl::Status Run(const AttentionLayerCall& call, ExecutionContext& context) const = 0;
};

class ImageClassifier;
class TextGenerator;

/// A loaded model. Immutable; shared by whoever runs it.
class Model {
 public:
  virtual ~Model() = default;
  virtual const ModelInfo& info() const = 0;
  /// nullptr unless the kind is an encoder.
  virtual const TextEncoder* AsTextEncoder() const { return nullptr; }
  /// nullptr unless the kind is kAttentionLayer.
  virtual const AttentionLayer* AsAttentionLayer() const { return nullptr; }
  /// nullptr unless the kind is kTranslation or kCaptioning; core/engine/text_generator.h.
  virtual const TextGenerator* AsTextGenerator() const { return nullptr; }
  /// nullptr unless the kind is kImageClassification; core/engine/image_classifier.h.
  virtual const ImageClassifier* AsImageClassifier() const { return nullptr; }
};

struct LoadOptions {
  /// kAuto: where this processor multiplies bf16, bf16 for a checkpoint that is stored in 16 bits
  /// or has matrices of at least 16 MiB (as f32); else f32. kInt8: linear layers (of encoders and
  /// attention layers; not classification heads) multiply int8, quantised by the row at run time;
  /// the rest is bf16 where that is fast, else f32.
  enum class Precision : uint8_t { kAuto, kF32, kBF16, kInt8 };
  Precision precision = Precision::kAuto;
  /// What the weights may take in memory, by what the headers of the files say; 0: anything.
  int64_t max_weight_bytes = 0;
};

/// Loads `directory`. kNotFound, kInvalidArgument, kUnimplemented: one line that names the file or
/// key, what was found and what is required. Never crashes on broken files. kUnimplemented too when
/// this processor does not multiply the precision's type, kInvalidArgument when int8 is too coarse
/// for the model: less than 0.9 cosine to f32. kResourceExhausted: the weights take more than
/// max_weight_bytes; nothing was read but the headers.
absl::StatusOr<std::shared_ptr<const Model>> LoadModel(const std::string& directory,
                                                       const LoadOptions& options);

/// What the core runs on, for the start-up log and attentiond_build_info: oneDNN's effective
/// instruction set
/// ("avx512_core_amx"), its version ("3.7.2"), and the matrix kernels chosen per type.
struct Platform {
  std::string isa;
  std::string onednn_version;
  bool has_bf16 = false;
  bool has_int8 = false;
  std::vector<std::string>
      kernels;  ///< e.g. "attention f32: brgemm", "linear bf16: brg_matmul:avx10_1_512_amx"
};
Platform DescribePlatform();

/// kUnimplemented: the processor does not multiply what `precision` asks for; says what it has.
absl::Status CheckPrecision(LoadOptions::Precision precision, const Platform& platform);

/// How often each kernel ran, for attentiond_kernel_dispatch_total{op,kernel}. Threads: any.
struct KernelCount {
  std::string op;      ///< "attention", "linear", "layer_norm"
  std::string kernel;  ///< "brgemm_bf16", "reference", ...
  uint64_t count = 0;
};
std::vector<KernelCount> KernelCounts();

}  // namespace attentiond
