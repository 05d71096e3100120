// tests/testing/fake_model.cc -- a tokenizer of characters, an encoder of sums.
#include "tests/testing/fake_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "core/engine/image_classifier.h"
#include "core/text/unicode.h"
#include "core/vision/image_processor.h"

namespace attentiond::testing {
namespace {

constexpr int32_t kCls = 0, kSep = 1, kFirstCharacter = 3, kVocabulary = 1003;

class FakeTokenizer final : public Tokenizer {
 public:
  FakeTokenizer() : spellings_{"[CLS]", "[SEP]", "[UNK]"} {
    for (char32_t c = 0; spellings_.size() < kVocabulary; ++c) {
      AppendUtf8(c, &spellings_.emplace_back());
    }
  }

  absl::StatusOr<Encoding> Encode(absl::string_view text, std::optional<absl::string_view> pair,
                                  const EncodeOptions& options) const override {
    Encoding encoding;
    const bool special = options.add_special_tokens;
    if (special) AddSpecial(kCls, 0, &encoding);
    AddText(text, 0, &encoding);
    if (special) AddSpecial(kSep, 0, &encoding);
    if (pair.has_value()) {
      AddText(*pair, 1, &encoding);
      if (special) AddSpecial(kSep, 1, &encoding);
    }
    const int64_t excess = options.max_length == 0 ? 0 : encoding.size() - options.max_length;
    if (excess <= 0) return encoding;
    if (!options.truncate) {
      return absl::InvalidArgumentError(
          absl::StrCat(encoding.size(), " tokens, at most ", options.max_length, " are allowed"));
    }
    // Good enough for a fake: one end goes, special tokens included.
    const auto cut = [&options](auto* values) {
      const auto kept = static_cast<int64_t>(options.max_length);
      if (options.truncation_side == TruncationSide::kLeft) {
        values->erase(values->begin(), values->end() - kept);
      } else {
        values->resize(static_cast<size_t>(kept));
      }
    };
    cut(&encoding.ids);
    cut(&encoding.type_ids);
    cut(&encoding.offsets);
    cut(&encoding.sequence);
    encoding.truncated_tokens = excess;
    return encoding;
  }

  absl::StatusOr<std::string> Decode(absl::Span<const int32_t> ids,
                                     bool skip_special_tokens) const override {
    std::vector<int32_t> kept;
    for (const int32_t id : ids) {
      if (!skip_special_tokens || id >= kFirstCharacter) kept.push_back(id);
    }
    return absl::StrJoin(kept, " ");
  }

  absl::string_view Token(int32_t id) const override {
    return id >= 0 && id < kVocabulary ? spellings_[static_cast<size_t>(id)] : absl::string_view();
  }
  int32_t vocab_size() const override { return kVocabulary; }
  int64_t model_max_length() const override { return 0; }

 private:
  static void AddSpecial(int32_t id, int32_t type, Encoding* encoding) {
    encoding->ids.push_back(id);
    encoding->type_ids.push_back(type);
    encoding->offsets.push_back({0, 0});
    encoding->sequence.push_back(-1);
  }

  static void AddText(absl::string_view text, int8_t sequence, Encoding* encoding) {
    for (size_t at = 0; at < text.size();) {
      const auto begin = static_cast<int64_t>(at);
      const char32_t character = NextCodePoint(text, &at);
      if (IsWhitespace(character)) continue;
      encoding->ids.push_back(kFirstCharacter + static_cast<int32_t>(character % 1000));
      encoding->type_ids.push_back(sequence);
      encoding->offsets.push_back({begin, static_cast<int64_t>(at)});
      encoding->sequence.push_back(sequence);
    }
  }

  std::vector<std::string> spellings_;
};

class FakeTextEncoder final : public Model, public TextEncoder {
 public:
  explicit FakeTextEncoder(const FakeModelOptions& options) : on_run_(options.on_run) {
    info_.kind = options.kind;
    info_.architecture = "fake";
    info_.num_layers = options.num_layers;
    info_.num_heads = options.num_heads;
    info_.hidden_size = options.hidden_size;
    info_.embedding_size = info_.chosen_embedding_size = options.hidden_size;
    info_.max_length = options.max_length;
    info_.vocab_size = kVocabulary;
    info_.type_vocab_size = 2;
    info_.weight_bytes = 1234;
    if (options.kind == ModelKind::kSequenceClassification) info_.labels = options.labels;
    if (!options.has_tokenizer) return;
    info_.tokenizer = "fake";
    tokenizer_.emplace();
  }

  const ModelInfo& info() const override { return info_; }
  const TextEncoder* AsTextEncoder() const override { return this; }
  const Tokenizer* tokenizer() const override { return tokenizer_ ? &*tokenizer_ : nullptr; }

  absl::Status Validate(const EncoderRow& row) const override {
    const auto length = static_cast<int64_t>(row.ids.size());
    if (length >= 1 && length <= info_.max_length) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("ids: ", length, " tokens, required 1 to ", info_.max_length));
  }

  absl::Status Run(absl::Span<const EncoderRow> rows, ExecutionContext& /*context*/,
                   std::vector<EncoderRowResult>* results) const override {
    if (on_run_) RETURN_IF_ERROR(on_run_(static_cast<int64_t>(rows.size())));
    results->clear();
    for (const EncoderRow& row : rows) results->push_back(Encode(row));
    return absl::OkStatus();
  }

 private:
  EncoderRowResult Encode(const EncoderRow& row) const {
    EncoderRowResult result;
    const auto sum = static_cast<float>(std::accumulate(row.ids.begin(), row.ids.end(), 0));
    if (row.want_logits) {
      for (size_t l = 0; l < info_.labels.size(); ++l) {
        result.logits.push_back(sum * static_cast<float>(l) / 100);
      }
    }
    if (row.want_embedding) result.embedding = Embed(row, sum);
    if (row.want_hidden_state) {
      result.hidden_state.resize(row.ids.size() * static_cast<size_t>(info_.hidden_size));
    }
    if (row.want_attentions) result.attentions = Attend(row.ids.size());
    return result;
  }

  std::vector<float> Embed(const EncoderRow& row, float sum) const {
    const int64_t size = row.dimensions > 0 ? row.dimensions : info_.hidden_size;
    std::vector<float> embedding(static_cast<size_t>(size));
    std::iota(embedding.begin(), embedding.end(), row.pooling == Pooling::kCls ? sum + 1000 : sum);
    if (!row.normalize) return embedding;
    const float norm =
        std::sqrt(std::inner_product(embedding.begin(), embedding.end(), embedding.begin(), 0.0f));
    for (float& value : embedding) value /= norm;
    return embedding;
  }

  std::vector<float> Attend(size_t tokens) const {
    const auto maps = static_cast<size_t>(info_.num_layers * info_.num_heads);
    std::vector<float> attentions(maps * tokens * tokens);
    for (size_t map = 0; map < maps; ++map) {
      for (size_t token = 0; token < tokens; ++token) {
        attentions[(map * tokens + token) * tokens + (token + map) % tokens] = 1;
      }
    }
    return attentions;
  }

  const std::function<absl::Status(int64_t rows)> on_run_;
  ModelInfo info_;
  std::optional<FakeTokenizer> tokenizer_;
};

class FakeAttentionLayer final : public Model, public AttentionLayer {
 public:
  explicit FakeAttentionLayer(const FakeModelOptions& options) : on_run_(options.on_run) {
    info_.kind = ModelKind::kAttentionLayer;
    info_.architecture = "fake";
    info_.num_layers = 1;
    info_.num_heads = options.num_heads;
    info_.hidden_size = info_.key_size = info_.value_size = options.hidden_size;
    info_.weight_bytes = 1234;
  }

  const ModelInfo& info() const override { return info_; }
  const AttentionLayer* AsAttentionLayer() const override { return this; }

  absl::Status Run(const AttentionLayerCall& call, ExecutionContext& /*context*/) const override {
    if (on_run_) RETURN_IF_ERROR(on_run_(call.batch));
    std::copy_n(call.query, call.batch * call.query_length * info_.hidden_size, call.output);
    return absl::OkStatus();
  }

 private:
  const std::function<absl::Status(int64_t rows)> on_run_;
  ModelInfo info_;
};

class FakeImageClassifier final : public Model, public ImageClassifier {
 public:
  explicit FakeImageClassifier(const FakeModelOptions& options) : on_run_(options.on_run) {
    info_.kind = ModelKind::kImageClassification;
    info_.architecture = "fake";
    info_.max_length = 5;
    info_.image = {2, 2};
    info_.labels = options.labels;
    info_.weight_bytes = 1234;
    if (!options.has_tokenizer) return;
    PreprocessorConfig config;
    config.resize = ResizeTarget{.size = info_.image};
    processor_.emplace(config);
  }

  const ModelInfo& info() const override { return info_; }
  const ImageClassifier* AsImageClassifier() const override { return this; }
  const ImageProcessor* image_processor() const override {
    return processor_ ? &*processor_ : nullptr;
  }

  absl::Status Run(absl::Span<const float* const> pixels, ExecutionContext& /*context*/,
                   std::vector<std::vector<float>>* logits) const override {
    if (on_run_) RETURN_IF_ERROR(on_run_(static_cast<int64_t>(pixels.size())));
    logits->clear();
    for (const float* const picture : pixels) {
      const float sum = std::accumulate(picture, picture + 12, 0.0f);
      std::vector<float>& row = logits->emplace_back();
      for (size_t l = 0; l < info_.labels.size(); ++l) {
        row.push_back(sum * static_cast<float>(l) / 1000);
      }
    }
    return absl::OkStatus();
  }

 private:
  const std::function<absl::Status(int64_t rows)> on_run_;
  ModelInfo info_;
  std::optional<ImageProcessor> processor_;
};

}  // namespace

std::shared_ptr<const Model> MakeFakeModel(const FakeModelOptions& options) {
  if (options.kind == ModelKind::kImageClassification) {
    return std::make_shared<FakeImageClassifier>(options);
  }
  if (options.kind == ModelKind::kAttentionLayer) {
    return std::make_shared<FakeAttentionLayer>(options);
  }
  return std::make_shared<FakeTextEncoder>(options);
}

}  // namespace attentiond::testing
