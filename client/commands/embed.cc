// client/commands/embed.cc -- attention-client embed: texts as vectors, and how alike they are.
#include <CLI/CLI.hpp>
#include <cmath>
#include <map>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/commands/commands.h"
#include "client/commands/json_line.h"
#include "client/commands/text_flags.h"
#include "client/npy_row_writer.h"
#include "client/render/table.h"

namespace attentiond::client {
namespace {

constexpr char kFooter[] =
    R"(Prints the beginning of each vector, or all of it with --json; --output writes them
all as a float32 array [texts, values], in the order of the texts.

Examples:
  attention-client embed --model minilm "A cat." "A kitten." "A train." --similarity
  attention-client embed -m minilm --file corpus.txt --output corpus.npy
  attention-client embed -m minilm --pooling cls --no-normalize --json "A cat.")";

constexpr size_t kMaxSimilarityTexts = 100;  // more would be no table to read

struct Flags {
  TextFlags text;
  v1::Pooling pooling = v1::POOLING_UNSPECIFIED;
  bool no_normalize = false;
  int dimensions = 0;
  std::optional<std::string> prompt;
  std::string output;
  bool similarity = false;
};

struct NamedVector {
  std::string text;
  std::vector<float> values;
};

double Cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double dot = 0, a_squared = 0, b_squared = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    dot += double{a[i]} * double{b[i]};
    a_squared += double{a[i]} * double{a[i]};
    b_squared += double{b[i]} * double{b[i]};
  }
  const double norms = std::sqrt(a_squared * b_squared);
  return norms > 0 ? dot / norms : 0;
}

// A square of cosines; columns are numbered, rows say the text behind the number.
std::string SimilarityTable(const std::vector<NamedVector>& vectors, int max_width) {
  std::vector<Table::Column> columns = {{"", Align::kRight}, {"cosine", Align::kLeft, true}};
  for (size_t i = 0; i < vectors.size(); ++i) {
    columns.push_back({absl::StrCat(i + 1), Align::kRight});
  }
  Table table(columns);
  for (size_t row = 0; row < vectors.size(); ++row) {
    std::vector<std::string> cells = {absl::StrCat(row + 1), vectors[row].text};
    for (const NamedVector& other : vectors) {
      cells.push_back(absl::StrFormat("%.2f", Cosine(vectors[row].values, other.values)));
    }
    table.AddRow(cells);
  }
  return table.Render(max_width);
}

void PrintTable(const TextChunk& chunk, const v1::EmbedResponse& response, const Console& console) {
  constexpr int kShownValues = 4;
  Table table({{"", Align::kRight}, {""}, {"", Align::kLeft, /*shrinks=*/true}});
  for (int row = 0; row < response.results_size(); ++row) {
    const auto& values = response.results(row).values();
    std::string shown;
    for (int i = 0; i < std::min(kShownValues, values.size()); ++i) {
      absl::StrAppendFormat(&shown, "%s%+.4f", i == 0 ? "" : " ", values[i]);
    }
    if (values.size() > kShownValues) absl::StrAppend(&shown, " ...");
    table.AddRow(
        {absl::StrCat(values.size(), " values"), shown, chunk.rows[static_cast<size_t>(row)].text});
  }
  *console.out << table.Render(console.columns);
}

void PrintJson(const TextChunk& chunk, const v1::EmbedResponse& response, const Console& console) {
  for (int row = 0; row < response.results_size(); ++row) {
    const v1::Embedding& result = response.results(row);
    const TextRow& input = chunk.rows[static_cast<size_t>(row)];
    nlohmann::ordered_json object = {{"text", input.text}};
    if (input.pair) object["text_pair"] = *input.pair;
    nlohmann::ordered_json& values = object["embedding"] = nlohmann::ordered_json::array();
    for (const float value : result.values()) values.push_back(FewestDigits(value));
    object["input_tokens"] = result.input_tokens();
    if (result.truncated_tokens() > 0) object["truncated_tokens"] = result.truncated_tokens();
    *console.out << JsonLine(object);
  }
}

// Where a chunk's vectors go besides the console.
struct Sinks {
  std::unique_ptr<NpyRowWriter> writer;
  std::vector<NamedVector> kept;
};

absl::Status HandleChunk(const Flags& flags, const TextChunk& chunk, const Console& console,
                         Session* session, Sinks* sinks) {
  auto request = MakeTextRequest<v1::EmbedRequest>(flags.text, chunk);
  request.set_pooling(flags.pooling);
  request.set_normalize(!flags.no_normalize);
  request.set_dimensions(flags.dimensions);
  if (flags.prompt) request.set_prompt_name(*flags.prompt);
  ASSIGN_OR_RETURN(
      const v1::EmbedResponse response,
      OneResultPerRow(session->Advise(session->client().Embed(request, session->call_options())),
                      chunk));
  for (int row = 0; row < response.results_size(); ++row) {
    const auto& values = response.results(row).values();
    if (sinks->writer != nullptr) {
      RETURN_IF_ERROR(sinks->writer->Append(
          absl::MakeConstSpan(values.data(), static_cast<size_t>(values.size()))));
    }
    if (flags.similarity) {
      if (sinks->kept.size() == kMaxSimilarityTexts) {
        return absl::InvalidArgumentError(
            absl::StrCat("--similarity compares at most ", kMaxSimilarityTexts, " texts"));
      }
      sinks->kept.push_back({chunk.rows[static_cast<size_t>(row)].text,
                             std::vector<float>(values.begin(), values.end())});
    }
  }
  if (flags.text.json) {
    PrintJson(chunk, response, console);
  } else if (sinks->writer == nullptr && !flags.similarity) {
    PrintTable(chunk, response, console);
  }
  return absl::OkStatus();
}

absl::Status Run(const Flags& flags, const Program& program) {
  const Console& console = *program.console;
  ASSIGN_OR_RETURN(Session session, Session::Open(program.connection, console));
  Sinks sinks;
  if (!flags.output.empty()) {
    ASSIGN_OR_RETURN(sinks.writer, NpyRowWriter::Create(flags.output));
  }
  RETURN_IF_ERROR(ForEachChunk(flags.text, console, [&](const TextChunk& chunk) {
    return HandleChunk(flags, chunk, console, &session, &sinks);
  }));
  if (flags.similarity) *console.out << SimilarityTable(sinks.kept, console.columns);
  if (sinks.writer != nullptr) {
    RETURN_IF_ERROR(sinks.writer->Finish());
    *console.err << sinks.writer->rows() << " vectors written to " << flags.output << "\n";
  }
  return absl::OkStatus();
}

}  // namespace

void AddEmbedCommand(Program* program) {
  CLI::App* const command =
      program->AddCommand("embed", "Turn texts into vectors, compare them", kFooter);
  const auto flags = std::make_shared<Flags>();
  AddTextFlags(command, &flags->text);
  const std::map<std::string, v1::Pooling> poolings = {
      {"model", v1::POOLING_UNSPECIFIED}, {"mean", v1::POOLING_MEAN}, {"cls", v1::POOLING_CLS}};
  command->add_option("--pooling", flags->pooling, "model (default), mean or cls")
      ->option_text("WAY")
      ->transform(CLI::Transformer(poolings));
  command->add_flag("--no-normalize", flags->no_normalize, "keep the vectors' own lengths");
  command->add_option("--dimensions", flags->dimensions, "keep the first N values (default all)")
      ->option_text("N")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--prompt", flags->prompt,
                   "the model's prompt of this name before each text; \"\": none (default: the "
                   "model's default)")
      ->option_text("NAME");
  command->add_option("-o,--output", flags->output, "write the vectors to this .npy file")
      ->option_text("FILE")
      ->group("Output");
  command->add_flag("--similarity", flags->similarity, "print the cosine of each two texts")
      ->group("Output");
  command->callback([=] { program->run = [=] { return Run(*flags, *program); }; });
}

}  // namespace attentiond::client
