// client/commands/classify.cc -- attention-client classify: labels and probabilities of texts, and
// of pictures.
#include <CLI/CLI.hpp>
#include <memory>

#include "absl/strings/str_format.h"
#include "client/commands/classify_images.h"
#include "client/commands/commands.h"
#include "client/commands/json_line.h"
#include "client/commands/text_flags.h"
#include "client/render/table.h"

namespace attentiond::client {
namespace {

constexpr char kFooter[] =
    R"(Prints the most probable label of each text, its probability, and the text; or, with
--image, of each picture.

Examples:
  attention-client classify --model sentiment "I love my cat." "My cat hates me."
  attention-client classify -m sentiment --top 0 "Not bad at all."    (0: every label)
  attention-client classify -m sentiment --file reviews.txt --json > labels.jsonl
  grep -i delay mails.txt | attention-client classify -m sentiment
  attention-client classify -m vit --top 3 --image cat.jpg dog.png)";

struct Flags {
  TextFlags text;
  std::vector<std::string> images;
  int top = 1;
};

absl::Status RunImages(const Flags& flags, const Program& program) {
  const TextFlags& text = flags.text;
  if (!text.source.arguments.empty() || !text.source.file.empty()) {
    return absl::InvalidArgumentError("--image: give pictures or texts, not both");
  }
  return ClassifyImages({.model = text.model,
                         .model_version = text.model_version,
                         .files = flags.images,
                         .top = flags.top,
                         .json = text.json},
                        program);
}

void PrintTable(const TextChunk& chunk, const v1::ClassifyResponse& response,
                const Console& console) {
  int num_labels = 0;
  for (const auto& result : response.results()) {
    num_labels = std::max(num_labels, result.labels_size());
  }
  std::vector<Table::Column> columns;
  for (int i = 0; i < num_labels; ++i) {
    columns.push_back({""});
    columns.push_back({"", Align::kRight});
  }
  columns.push_back({"", Align::kLeft, /*shrinks=*/true});
  Table table(columns);
  for (int row = 0; row < response.results_size(); ++row) {
    std::vector<std::string> cells;
    for (const auto& label : response.results(row).labels()) {
      cells.push_back(label.label());
      cells.push_back(absl::StrFormat("%.3f", label.score()));
    }
    cells.resize(static_cast<size_t>(2 * num_labels));
    const TextRow& input = chunk.rows[static_cast<size_t>(row)];
    cells.push_back(input.pair ? input.text + " | " + *input.pair : input.text);
    table.AddRow(cells);
  }
  *console.out << table.Render(console.columns);
}

void PrintJson(const TextChunk& chunk, const v1::ClassifyResponse& response,
               const Console& console) {
  for (int row = 0; row < response.results_size(); ++row) {
    const v1::Classification& result = response.results(row);
    const TextRow& input = chunk.rows[static_cast<size_t>(row)];
    nlohmann::ordered_json object = {{"text", input.text}};
    if (input.pair) object["text_pair"] = *input.pair;
    object["labels"] = nlohmann::ordered_json::array();
    for (const auto& label : result.labels()) {
      object["labels"].push_back(
          {{"label", label.label()}, {"score", FewestDigits(label.score())}});
    }
    object["input_tokens"] = result.input_tokens();
    if (result.truncated_tokens() > 0) object["truncated_tokens"] = result.truncated_tokens();
    *console.out << JsonLine(object);
  }
}

absl::Status Run(const Flags& flags, const Program& program) {
  if (!flags.images.empty()) return RunImages(flags, program);
  ASSIGN_OR_RETURN(Session session, Session::Open(program.connection, *program.console));
  return ForEachChunk(flags.text, *program.console, [&](const TextChunk& chunk) -> absl::Status {
    auto request = MakeTextRequest<v1::ClassifyRequest>(flags.text, chunk);
    request.set_top_k(flags.top);
    ASSIGN_OR_RETURN(
        const v1::ClassifyResponse response,
        OneResultPerRow(session.Advise(session.client().Classify(request, session.call_options())),
                        chunk));
    (flags.text.json ? PrintJson : PrintTable)(chunk, response, *program.console);
    return absl::OkStatus();
  });
}

}  // namespace

void AddClassifyCommand(Program* program) {
  CLI::App* const command =
      program->AddCommand("classify", "Label texts or pictures: sentiment, topics, kinds", kFooter);
  const auto flags = std::make_shared<Flags>();
  AddTextFlags(command, &flags->text);
  command->add_option("--image", flags->images, "PNG and JPEG files, instead of texts")
      ->option_text("FILE...");
  command->add_option("--top", flags->top, "print so many labels, best first; 0: all (default 1)")
      ->option_text("N")
      ->check(CLI::NonNegativeNumber)
      ->group("Output");
  command->callback([=] { program->run = [=] { return Run(*flags, *program); }; });
}

}  // namespace attentiond::client
