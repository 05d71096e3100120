// server/grpc/encoder_outputs.cc -- ragged rows scattered into dense tensors.
#include "server/grpc/encoder_outputs.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/inference/classification.h"
#include "server/inference/entities.h"

namespace attentiond {
namespace {

// What an entity's JSON takes beside its text, with labels of a usual length.
constexpr int64_t kEntityBytes = 128;

// Of every output but those of BYTES: of "entities" it is the room that they may take.
std::vector<int64_t> DimsOf(absl::string_view name, const ModelInfo& info,
                            const EncoderOutputSizes& sizes) {
  if (name == "score") return {sizes.rows};
  if (name == "entities") return {sizes.rows, sizes.width, kEntityBytes};
  if (name == "logits" && info.kind == ModelKind::kTokenClassification) {
    return {sizes.rows, sizes.width, static_cast<int64_t>(info.labels.size())};
  }
  if (name == "probabilities" || name == "logits") {
    return {sizes.rows, static_cast<int64_t>(info.labels.size())};
  }
  if (name == "embedding") return {sizes.rows, sizes.dimensions};
  if (name == "last_hidden_state") return {sizes.rows, sizes.width, info.hidden_size};
  if (name == "attentions") {
    return {sizes.rows, info.num_layers, info.num_heads, sizes.width, sizes.width};
  }
  return {sizes.rows, sizes.width};  // input_ids
}

DType TypeOf(absl::string_view name) {
  if (name == "entities") return DType::kI8;
  return name == "input_ids" ? DType::kI64 : DType::kF32;
}

bool IsBytes(absl::string_view name) { return name == "label" || name == "entities"; }

/// One computed row and where its tokens go.
struct Row {
  const ModelInfo& info;
  const EncodedRow& encoded;
  const std::vector<int32_t>& kept_columns;  ///< empty: the first ones
  size_t width;                              ///< S

  size_t num_tokens() const { return encoded.encoding.ids.size(); }
  size_t Column(size_t token) const {
    return kept_columns.empty() ? token : static_cast<size_t>(kept_columns[token]);
  }
};

absl::Status CheckSize(absl::string_view name, size_t found, size_t required) {
  if (found == required) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("the model gave ", found, " elements of ", name,
                                          " for a row, expected were ", required));
}

void WriteIds(const Row& row, absl::Span<int64_t> out) {
  std::fill(out.begin(), out.end(), int64_t{-1});
  for (size_t token = 0; token < row.num_tokens(); ++token) {
    out[row.Column(token)] = row.encoded.encoding.ids[token];
  }
}

// `values` [tokens, width] of a row to their columns.
absl::Status WriteByToken(absl::string_view name, const Row& row, const std::vector<float>& values,
                          size_t width, float* out) {
  RETURN_IF_ERROR(CheckSize(name, values.size(), row.num_tokens() * width));
  for (size_t token = 0; token < row.num_tokens(); ++token) {
    std::copy_n(values.data() + token * width, width, out + row.Column(token) * width);
  }
  return absl::OkStatus();
}

absl::Status WriteAttentions(const Row& row, float* out) {
  const size_t tokens = row.num_tokens();
  const auto maps = static_cast<size_t>(row.info.num_layers * row.info.num_heads);
  const std::vector<float>& attentions = row.encoded.result.attentions;
  RETURN_IF_ERROR(CheckSize("attentions", attentions.size(), maps * tokens * tokens));
  const float* from = attentions.data();
  for (size_t map = 0; map < maps; ++map, out += row.width * row.width) {
    for (size_t query = 0; query < tokens; ++query, from += tokens) {
      float* const to = out + row.Column(query) * row.width;
      for (size_t key = 0; key < tokens; ++key) to[row.Column(key)] = from[key];
    }
  }
  return absl::OkStatus();
}

absl::Status WriteVector(absl::string_view name, const std::vector<float>& values,
                         absl::Span<float> out) {
  RETURN_IF_ERROR(CheckSize(name, values.size(), out.size()));
  std::copy(values.begin(), values.end(), out.begin());
  return absl::OkStatus();
}

RankedLabel BestLabel(const Row& row) {
  const std::vector<float> scores = LabelScores(row.info, row.encoded.result.logits);
  const std::vector<RankedLabel> ranked = RankLabels(row.info, scores, /*top_k=*/1);
  return ranked.empty() ? RankedLabel() : ranked.front();
}

absl::Status WriteFloats(absl::string_view name, const Row& row, absl::Span<float> out) {
  const EncoderRowResult& result = row.encoded.result;
  if (name == "last_hidden_state") {
    return WriteByToken(name, row, result.hidden_state, static_cast<size_t>(row.info.hidden_size),
                        out.data());
  }
  if (name == "logits" && row.info.kind == ModelKind::kTokenClassification) {
    return WriteByToken(name, row, result.logits, row.info.labels.size(), out.data());
  }
  if (name == "attentions") return WriteAttentions(row, out.data());
  if (name == "logits") return WriteVector(name, result.logits, out);
  if (name == "embedding") return WriteVector(name, result.embedding, out);
  if (name == "probabilities") return WriteVector(name, LabelScores(row.info, result.logits), out);
  out[0] = BestLabel(row).score;
  return absl::OkStatus();
}

absl::Status AddEntities(const std::vector<Row>& rows, absl::Span<const absl::string_view> texts,
                         ResponseWriter* writer) {
  std::vector<std::string> entities;
  entities.reserve(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    const std::vector<float>& logits = row.encoded.result.logits;
    RETURN_IF_ERROR(
        CheckSize("entities", logits.size(), row.num_tokens() * row.info.labels.size()));
    entities.push_back(EntitiesJson(
        GroupEntities(row.info.labels, row.encoded.encoding, texts[i], logits), texts[i]));
  }
  writer->AddBytes("entities", entities);
  return absl::OkStatus();
}

void AddLabels(const std::vector<Row>& rows, ResponseWriter* writer) {
  std::vector<std::string> labels;
  labels.reserve(rows.size());
  for (const Row& row : rows) labels.push_back(BestLabel(row).label);
  writer->AddBytes("label", labels);
}

}  // namespace

absl::Status ReserveEncoderOutputs(const ModelInfo& info,
                                   const std::vector<absl::string_view>& names,
                                   const EncoderOutputSizes& sizes, ResponseWriter* writer) {
  for (const absl::string_view name : names) {
    if (name == "label") continue;  // a name: no more than what the reply has anyway
    RETURN_IF_ERROR(writer->Reserve(name, TypeOf(name), DimsOf(name, info, sizes)));
  }
  return absl::OkStatus();
}

absl::Status WriteEncoderOutputs(const ModelInfo& info, const std::vector<absl::string_view>& names,
                                 const EncoderOutputSizes& sizes,
                                 const EncoderOutputSources& sources,
                                 absl::Span<const EncodedRow> encoded, ResponseWriter* writer) {
  static const std::vector<int32_t>* const kFirstColumns = new std::vector<int32_t>();
  std::vector<Row> rows;
  rows.reserve(encoded.size());
  for (size_t i = 0; i < encoded.size(); ++i) {
    rows.push_back({info, encoded[i],
                    sources.kept_columns.empty() ? *kFirstColumns : sources.kept_columns[i],
                    static_cast<size_t>(sizes.width)});
  }
  for (const absl::string_view name : names) {
    if (IsBytes(name)) {
      if (name == "label") {
        AddLabels(rows, writer);
      } else {
        RETURN_IF_ERROR(AddEntities(rows, sources.texts, writer));
      }
      continue;
    }
    ASSIGN_OR_RETURN(const Shape shape, Shape::Create(DimsOf(name, info, sizes)));
    const MutableTensorView out = writer->Add(name, TypeOf(name), shape);
    const size_t row_elements =
        rows.empty() ? 0 : static_cast<size_t>(out.num_elements()) / rows.size();
    for (size_t i = 0; i < rows.size(); ++i) {
      if (name == "input_ids") {
        WriteIds(rows[i], out.values<int64_t>().subspan(i * row_elements, row_elements));
        continue;
      }
      RETURN_IF_ERROR(
          WriteFloats(name, rows[i], out.values<float>().subspan(i * row_elements, row_elements)));
    }
  }
  return absl::OkStatus();
}

}  // namespace attentiond
