// client/commands/tokenize.cc -- attention-client tokenize: how a model's tokenizer cuts texts.
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/commands/commands.h"
#include "client/commands/json_line.h"
#include "client/commands/text_flags.h"
#include "client/render/escape.h"
#include "client/render/table.h"

namespace attentiond::client {
namespace {

constexpr char kFooter[] =
    R"(Prints each token with its id, its word, and its place in the text (in Unicode
code points). The model itself does not run.

Examples:
  attention-client tokenize --model sentiment "unbelievably good"
  attention-client tokenize -m sentiment --no-special --json "I love my cat.")";

struct Flags {
  TextFlags text;
  bool no_special = false;
};

void PrintTable(const TextChunk& chunk, const v1::TokenizeResponse& response,
                const Console& console) {
  for (int row = 0; row < response.results_size(); ++row) {
    const v1::Tokenization& result = response.results(row);
    const TextRow& input = chunk.rows[static_cast<size_t>(row)];
    if (chunk.first + row > 1) *console.out << "\n";
    *console.out << Printable(input.pair ? input.text + " | " + *input.pair : input.text) << "\n";
    Table table({{"token"}, {"id", Align::kRight}, {"word", Align::kRight}, {"place"}});
    for (const v1::Token& token : result.tokens()) {
      table.AddRow(
          {token.text(), absl::StrCat(token.id()),
           token.has_word_index() ? absl::StrCat(token.word_index()) : "",
           token.special() ? "" : absl::StrCat(token.char_begin(), "-", token.char_end())});
    }
    *console.out << table.Render(console.columns);
    if (result.truncated_tokens() > 0) {
      *console.out << result.truncated_tokens() << " more tokens were cut off\n";
    }
  }
}

void PrintJson(const TextChunk& chunk, const v1::TokenizeResponse& response,
               const Console& console) {
  for (int row = 0; row < response.results_size(); ++row) {
    const v1::Tokenization& result = response.results(row);
    const TextRow& input = chunk.rows[static_cast<size_t>(row)];
    nlohmann::ordered_json object = {{"text", input.text}};
    if (input.pair) object["text_pair"] = *input.pair;
    object["tokens"] = nlohmann::ordered_json::array();
    for (const v1::Token& token : result.tokens()) {
      nlohmann::ordered_json entry = {{"text", token.text()}, {"id", token.id()}};
      if (token.special()) {
        entry["special"] = true;
      } else {
        entry["begin"] = token.char_begin();
        entry["end"] = token.char_end();
      }
      if (token.has_word_index()) entry["word"] = token.word_index();
      if (token.sequence() != 0) entry["sequence"] = token.sequence();
      object["tokens"].push_back(entry);
    }
    if (result.truncated_tokens() > 0) object["truncated_tokens"] = result.truncated_tokens();
    *console.out << JsonLine(object);
  }
}

absl::Status Run(const Flags& flags, const Program& program) {
  ASSIGN_OR_RETURN(Session session, Session::Open(program.connection, *program.console));
  return ForEachChunk(flags.text, *program.console, [&](const TextChunk& chunk) -> absl::Status {
    auto request = MakeTextRequest<v1::TokenizeRequest>(flags.text, chunk);
    request.set_add_special_tokens(!flags.no_special);
    ASSIGN_OR_RETURN(
        const v1::TokenizeResponse response,
        OneResultPerRow(session.Advise(session.client().Tokenize(request, session.call_options())),
                        chunk));
    (flags.text.json ? PrintJson : PrintTable)(chunk, response, *program.console);
    return absl::OkStatus();
  });
}

}  // namespace

void AddTokenizeCommand(Program* program) {
  CLI::App* const command =
      program->AddCommand("tokenize", "Show the tokens that a model reads", kFooter);
  const auto flags = std::make_shared<Flags>();
  AddTextFlags(command, &flags->text);
  command->add_flag("--no-special", flags->no_special, "without tokens such as [CLS]");
  command->callback([=] { program->run = [=] { return Run(*flags, *program); }; });
}

}  // namespace attentiond::client
