// client/commands/classify_images.cc -- files over KServe v2, and what comes back of them.
#include "client/commands/classify_images.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/commands/json_line.h"
#include "client/file.h"
#include "client/infer_tensors.h"
#include "client/inference_client.h"
#include "client/render/table.h"
#include "core/base/status_macros.h"

namespace attentiond::client {
namespace {

constexpr size_t kMaxChunkFiles = 16;
constexpr size_t kMaxChunkBytes = size_t{8} << 20;
constexpr int64_t kMaxFileBytes = int64_t{1} << 30;

struct Label {
  std::string name;
  float score = 0;
};

/// Files [begin, end) of the flags', in one request.
struct Chunk {
  size_t begin = 0, end = 0;
  std::vector<std::string> contents;
};

absl::StatusOr<Chunk> ReadChunk(const std::vector<std::string>& files, size_t begin) {
  Chunk chunk{begin, begin, {}};
  size_t bytes = 0;
  while (chunk.end < files.size() && chunk.contents.size() < kMaxChunkFiles) {
    ASSIGN_OR_RETURN(std::string content, ReadFile(files[chunk.end], kMaxFileBytes));
    if (!chunk.contents.empty() && bytes + content.size() > kMaxChunkBytes) break;
    bytes += content.size();
    chunk.contents.push_back(std::move(content));
    ++chunk.end;
  }
  return chunk;
}

/// How many labels the model has, by its metadata.
absl::StatusOr<int64_t> NumLabels(const ImageFlags& flags, const Session& session,
                                  InferenceClient* client) {
  ASSIGN_OR_RETURN(const inference::ModelMetadataResponse metadata,
                   session.Advise(client->ModelMetadata(flags.model, flags.model_version,
                                                        session.call_options())));
  for (const auto& output : metadata.outputs()) {
    if (output.name() == "probabilities" && output.shape_size() == 2) return output.shape(1);
  }
  return absl::FailedPreconditionError(
      absl::StrCat("model \"", flags.model, "\" does not say how many labels it has"));
}

/// The labels of each file, best first.
absl::StatusOr<std::vector<std::vector<Label>>> Infer(const ImageFlags& flags, int64_t top,
                                                      const Chunk& chunk, const Session& session,
                                                      InferenceClient* client) {
  inference::ModelInferRequest request;
  request.set_model_name(flags.model);
  request.set_model_version(flags.model_version);
  (*request.mutable_parameters())["top_k"].set_int64_param(top);
  AddTextInput("image", chunk.contents, &request);
  ASSIGN_OR_RETURN(const inference::ModelInferResponse response,
                   session.Advise(client->Infer(request, session.call_options())));
  ASSIGN_OR_RETURN(std::vector<std::string> names, GetTextOutput("label", response));
  ASSIGN_OR_RETURN(const Tensor scores, GetOutput("score", response));
  const size_t files = chunk.contents.size();
  const size_t each = names.size() / files;
  if (names.empty() || names.size() % files != 0 || scores.dtype() != DType::kF32 ||
      scores.shape().num_elements() != static_cast<int64_t>(names.size())) {
    return absl::InternalError(absl::StrCat("the server sent ", names.size(), " labels and ",
                                            scores.shape().num_elements(), " scores for ", files,
                                            " pictures"));
  }
  std::vector<std::vector<Label>> labels(files);
  for (size_t i = 0; i < names.size(); ++i) {
    labels[i / each].push_back({std::move(names[i]), scores.values<float>()[i]});
  }
  return labels;
}

void PrintJson(const ImageFlags& flags, const Chunk& chunk,
               const std::vector<std::vector<Label>>& labels, const Console& console) {
  for (size_t i = 0; i < labels.size(); ++i) {
    nlohmann::ordered_json object = {{"image", flags.files[chunk.begin + i]},
                                     {"labels", nlohmann::ordered_json::array()}};
    for (const Label& label : labels[i]) {
      object["labels"].push_back({{"label", label.name}, {"score", FewestDigits(label.score)}});
    }
    *console.out << JsonLine(object);
  }
}

void PrintTable(const ImageFlags& flags, const Chunk& chunk,
                const std::vector<std::vector<Label>>& labels, const Console& console) {
  std::vector<Table::Column> columns;
  for (size_t i = 0; i < labels.front().size(); ++i) {
    columns.push_back({""});
    columns.push_back({"", Align::kRight});
  }
  columns.push_back({"", Align::kLeft, /*shrinks=*/true});
  Table table(columns);
  for (size_t i = 0; i < labels.size(); ++i) {
    std::vector<std::string> cells;
    for (const Label& label : labels[i]) {
      cells.push_back(label.name);
      cells.push_back(absl::StrFormat("%.3f", label.score));
    }
    cells.push_back(flags.files[chunk.begin + i]);
    table.AddRow(cells);
  }
  *console.out << table.Render(console.columns);
}

/// The server names a picture by its row, which means nothing to who gave files.
absl::Status NameFile(const ImageFlags& flags, const Chunk& chunk, const absl::Status& status) {
  for (size_t i = 0; i < chunk.contents.size(); ++i) {
    const std::string row = absl::StrCat("row ", i, ": ");
    const size_t at = status.message().find(row);
    if (at == absl::string_view::npos) continue;
    return absl::Status(status.code(), absl::StrCat(flags.files[chunk.begin + i], ": ",
                                                    status.message().substr(at + row.size())));
  }
  return status;
}

}  // namespace

absl::Status ClassifyImages(const ImageFlags& flags, const Program& program) {
  ASSIGN_OR_RETURN(Session session, Session::Open(program.connection, *program.console));
  InferenceClient client(session.channel(), session.caller_options());
  int64_t top = flags.top;
  if (top == 0) {
    ASSIGN_OR_RETURN(top, NumLabels(flags, session, &client));
  }
  for (size_t next = 0; next < flags.files.size() && program.console->out->good();) {
    ASSIGN_OR_RETURN(const Chunk chunk, ReadChunk(flags.files, next));
    const auto labels = Infer(flags, top, chunk, session, &client);
    if (!labels.ok()) return NameFile(flags, chunk, labels.status());
    (flags.json ? PrintJson : PrintTable)(flags, chunk, *labels, *program.console);
    program.console->out->flush();
    next = chunk.end;
  }
  return absl::OkStatus();
}

}  // namespace attentiond::client
