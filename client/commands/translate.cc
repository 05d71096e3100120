// client/commands/translate.cc -- attention-client translate: texts in another language, or what
// else a text-to-text model makes of them.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/commands/commands.h"
#include "client/commands/generation_flags.h"
#include "client/commands/json_line.h"
#include "client/commands/progress_bar.h"
#include "client/commands/text_flags.h"
#include "client/render/escape.h"

namespace attentiond::client {
namespace {

constexpr char kFooter[] =
    R"(Prints one line for each text: what the model made of it. With --num-return-sequences
each alternative is a line, its score before it.

Examples:
  attention-client translate --model en-fr "I love my cat." "The dog sees a red house."
  attention-client translate -m en-fr --file book.txt > livre.txt    (line by line, with progress)
  attention-client translate -m nllb --source-lang eng_Latn --target-lang fra_Latn "Good morning."
  attention-client translate -m en-fr --split-sentences "A long text. It has many sentences."
  attention-client translate -m en-fr --num-beams 1 --stream "I love my cat."
  attention-client translate -m t5 "translate English to German: I love my cat.")";

struct Flags {
  TextFlags text;
  std::string source_lang, target_lang;
  bool split_sentences = false, stream = false;
  v1::GenerationParameters generation;
};

v1::TranslateRequest MakeRequest(const Flags& flags, const TextChunk& chunk) {
  v1::TranslateRequest request;
  request.set_model(flags.text.model);
  request.set_model_version(flags.text.model_version);
  request.set_truncate(flags.text.truncate);
  if (flags.text.truncate_left) request.set_truncation_side(v1::TRUNCATION_SIDE_LEFT);
  request.set_source_lang(flags.source_lang);
  request.set_target_lang(flags.target_lang);
  request.set_split_sentences(flags.split_sentences);
  *request.mutable_generation() = flags.generation;
  for (const TextRow& row : chunk.rows) request.add_texts(row.text);
  return request;
}

// What came from a server may steer a terminal; a file gets it as it is.
std::string Shown(const std::string& text, const Console& console) {
  return console.columns > 0 ? Printable(text) : text;
}

void PrintLines(const v1::Translation& result, const Console& console) {
  for (const v1::GeneratedText& text : result.alternatives()) {
    if (result.alternatives_size() > 1) *console.out << absl::StrFormat("%8.4f  ", text.score());
    *console.out << Shown(text.text(), console) << "\n";
  }
}

void PrintJson(const TextRow& row, const v1::Translation& result, const Console& console) {
  nlohmann::ordered_json object = {{"text", row.text}};
  object["translations"] = nlohmann::ordered_json::array();
  for (const v1::GeneratedText& text : result.alternatives()) {
    object["translations"].push_back({{"text", text.text()},
                                      {"score", FewestDigits(static_cast<float>(text.score()))},
                                      {"output_tokens", text.token_ids_size()}});
  }
  object["input_tokens"] = result.input_tokens();
  if (result.truncated_tokens() > 0) object["truncated_tokens"] = result.truncated_tokens();
  if (result.sentences() > 1) object["sentences"] = result.sentences();
  *console.out << JsonLine(object);
}

// Texts one after the other, each as it is decoded.
absl::Status Stream(const Flags& flags, const TextChunk& chunk, const Console& console,
                    Session* session) {
  bool ended = false;
  RETURN_IF_ERROR(session->Advise(session->client().TranslateStream(
      MakeRequest(flags, chunk), session->call_options(), [&](const v1::TranslateUpdate& update) {
        *console.out << Shown(update.text(), console) << std::flush;
        if (!update.has_result()) return;
        *console.out << "\n";
        ended = true;
      })));
  if (ended) return absl::OkStatus();
  return absl::InternalError("the server's stream ended without a result");
}

absl::Status HandleChunk(const Flags& flags, const TextChunk& chunk, const Console& console,
                         Session* session) {
  if (flags.stream) return Stream(flags, chunk, console, session);
  ASSIGN_OR_RETURN(const v1::TranslateResponse response,
                   OneResultPerRow(session->Advise(session->client().Translate(
                                       MakeRequest(flags, chunk), session->call_options())),
                                   chunk));
  for (int row = 0; row < response.results_size(); ++row) {
    if (flags.text.json) {
      PrintJson(chunk.rows[static_cast<size_t>(row)], response.results(row), console);
    } else {
      PrintLines(response.results(row), console);
    }
  }
  return absl::OkStatus();
}

// Lines of a file that can be read twice; 0: not known.
int64_t CountLines(const std::string& path) {
  if (path.empty() || path == "-") return 0;
  std::ifstream file(path, std::ios::binary);
  std::string block(size_t{1} << 16, '\0');
  int64_t lines = 0;
  char last = '\n';
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())), file.gcount() > 0) {
    const auto end = block.begin() + file.gcount();
    lines += std::count(block.begin(), end, '\n');
    last = *(end - 1);
  }
  return lines + (last != '\n' ? 1 : 0);
}

absl::Status Run(const Flags& flags, const Program& program) {
  const Console& console = *program.console;
  RETURN_IF_ERROR(RefusePairs(flags.text));
  if (flags.stream && flags.text.json) {
    return absl::InvalidArgumentError("--stream prints texts as they come, not --json");
  }
  ASSIGN_OR_RETURN(Session session, Session::Open(program.connection, console));
  const bool reads_file = flags.text.source.arguments.empty();
  // Where the lines go to the terminal, they are progress enough.
  const int64_t total = reads_file && console.columns == 0 ? CountLines(flags.text.source.file) : 0;
  ProgressBar progress(total, "lines", &console, Clock::Real());
  progress.Advance(0);
  return ForEachChunk(flags.text, console, [&](const TextChunk& chunk) {
    const absl::Status status = HandleChunk(flags, chunk, console, &session);
    if (status.ok()) progress.Advance(static_cast<int64_t>(chunk.rows.size()));
    return status;
  });
}

}  // namespace

void AddTranslateCommand(Program* program) {
  CLI::App* const command =
      program->AddCommand("translate", "Translate texts, also files line by line", kFooter);
  const auto flags = std::make_shared<Flags>();
  AddTextFlags(command, &flags->text);
  constexpr const char* kGroup = "Translation";
  command
      ->add_option("--source-lang", flags->source_lang,
                   "language of the texts, for models with several (attention-client models)")
      ->option_text("NAME")
      ->group(kGroup);
  command->add_option("--target-lang", flags->target_lang, "language to translate into")
      ->option_text("NAME")
      ->group(kGroup);
  command
      ->add_flag("--split-sentences", flags->split_sentences,
                 "sentence by sentence: for texts longer than the model takes")
      ->group(kGroup);
  command->add_flag("--stream", flags->stream, "print each text as it is decoded (with one beam)")
      ->group("Output");
  AddGenerationFlags(command, &flags->generation);
  command->callback([=] {
    if (flags->stream) flags->text.source.chunk_rows = 1;
    program->run = [=] { return Run(*flags, *program); };
  });
}

}  // namespace attentiond::client
