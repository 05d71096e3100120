// client/commands/rerank.cc -- attention-client rerank: texts by how well they answer a query.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/commands/commands.h"
#include "client/commands/json_line.h"
#include "client/commands/text_flags.h"
#include "client/render/table.h"

namespace attentiond::client {
namespace {

constexpr char kFooter[] =
    R"(Scores each text together with the query by a cross-encoder (a classification model with one
label) and prints the texts, best first.

Examples:
  attention-client rerank --model reranker --query "what is a panda?" "A bear." "A city."
  attention-client rerank -m reranker --query "late trains" --file mails.txt --top 10)";

struct Flags {
  TextFlags text;
  std::string query;
  int top = 0;
};

struct Scored {
  std::string text;
  float score = 0;
};

// The score of a row of a model with one label.
absl::StatusOr<float> ScoreOf(const v1::Classification& result) {
  if (result.labels_size() == 1) return result.labels(0).score();
  return absl::FailedPreconditionError(
      absl::StrCat("the model has ", result.labels_size(), " labels, a re-ranker has one"));
}

void Print(const std::vector<Scored>& scored, bool as_json, const Console& console) {
  Table table({{"", Align::kRight}, {"", Align::kLeft, /*shrinks=*/true}});
  for (const Scored& entry : scored) {
    if (as_json) {
      *console.out << JsonLine({{"text", entry.text}, {"score", FewestDigits(entry.score)}});
    } else {
      table.AddRow({absl::StrFormat("%.3f", entry.score), entry.text});
    }
  }
  if (!as_json) *console.out << table.Render(console.columns);
}

absl::Status Run(const Flags& flags, const Program& program) {
  RETURN_IF_ERROR(RefusePairs(flags.text));
  ASSIGN_OR_RETURN(Session session, Session::Open(program.connection, *program.console));
  std::vector<Scored> scored;
  RETURN_IF_ERROR(
      ForEachChunk(flags.text, *program.console, [&](const TextChunk& chunk) -> absl::Status {
        TextChunk pairs = chunk;
        for (TextRow& row : pairs.rows) row = {flags.query, row.text};
        ASSIGN_OR_RETURN(
            const v1::ClassifyResponse response,
            OneResultPerRow(session.Advise(session.client().Classify(
                                MakeTextRequest<v1::ClassifyRequest>(flags.text, pairs),
                                session.call_options())),
                            chunk));
        for (int row = 0; row < response.results_size(); ++row) {
          ASSIGN_OR_RETURN(const float score, ScoreOf(response.results(row)));
          scored.push_back({chunk.rows[static_cast<size_t>(row)].text, score});
        }
        return absl::OkStatus();
      }));
  std::stable_sort(scored.begin(), scored.end(),
                   [](const Scored& a, const Scored& b) { return a.score > b.score; });
  if (flags.top > 0 && scored.size() > static_cast<size_t>(flags.top)) {
    scored.resize(static_cast<size_t>(flags.top));
  }
  Print(scored, flags.text.json, *program.console);
  return absl::OkStatus();
}

}  // namespace

void AddRerankCommand(Program* program) {
  CLI::App* const command =
      program->AddCommand("rerank", "Order texts by how well they answer a query", kFooter);
  const auto flags = std::make_shared<Flags>();
  AddTextFlags(command, &flags->text);
  command->add_option("-q,--query", flags->query, "what the texts are to answer")
      ->option_text("TEXT")
      ->required();
  command->add_option("--top", flags->top, "print so many texts; 0: all (default)")
      ->option_text("N")
      ->check(CLI::NonNegativeNumber)
      ->group("Output");
  command->callback([=] { program->run = [=] { return Run(*flags, *program); }; });
}

}  // namespace attentiond::client
