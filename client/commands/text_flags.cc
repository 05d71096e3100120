#include "client/commands/text_flags.h"

#include <CLI/CLI.hpp>
#include <memory>

namespace attentiond::client {

void AddTextFlags(CLI::App* app, TextFlags* flags) {
  constexpr const char* kGroup = "Texts";
  app->add_option("TEXT", flags->source.arguments, "a text; without any, lines are read")
      ->option_text("...");
  app->add_option("-m,--model", flags->model, "model of the server (attention-client models)")
      ->option_text("NAME");
  app->add_option("--model-version", flags->model_version, "its version (default: the newest)")
      ->option_text("N");
  app->add_option("-f,--file", flags->source.file, "read lines from FILE; -: standard input")
      ->option_text("FILE")
      ->group(kGroup);
  app->add_flag("--pairs", flags->source.pairs, "a text is a pair: TEXT, a tab, TEXT")
      ->group(kGroup);
  app->add_flag("--truncate", flags->truncate, "cut texts that are too long for the model")
      ->group(kGroup);
  app->add_option_function<std::string>(
         "--truncation-side",
         [flags](const std::string& side) { flags->truncate_left = side == "left"; },
         "right: --truncate cuts the end (default); left: the beginning")
      ->option_text("SIDE")
      ->check(CLI::IsMember({"right", "left"}))
      ->needs("--truncate")
      ->group(kGroup);
  app->add_option("--rows", flags->source.chunk_rows,
                  absl::StrCat("texts in one request (default ", flags->source.chunk_rows, ")"))
      ->option_text("N")
      ->check(CLI::Range(1, 4096))
      ->group(kGroup);
  app->add_flag("--json", flags->json, "print one JSON object a text")->group("Output");
}

absl::Status RefusePairs(const TextFlags& flags) {
  if (!flags.source.pairs) return absl::OkStatus();
  return absl::InvalidArgumentError("--pairs: this command takes single texts");
}

absl::Status ForEachChunk(const TextFlags& flags, const Console& console,
                          const std::function<absl::Status(const TextChunk& chunk)>& handle) {
  ASSIGN_OR_RETURN(const std::unique_ptr<TextSource> source,
                   TextSource::Open(flags.source, console));
  while (console.out->good()) {
    ASSIGN_OR_RETURN(const TextChunk chunk, source->Next());
    if (chunk.rows.empty()) return absl::OkStatus();
    const absl::Status status = handle(chunk);
    if (!status.ok()) {
      // With one text there is nothing to tell apart.
      const bool several = chunk.first > 1 || chunk.rows.size() > 1;
      const std::string where = several ? absl::StrCat(source->Describe(chunk), ": ") : "";
      return absl::Status(status.code(), absl::StrCat(where, status.message()));
    }
    console.out->flush();
  }
  return absl::OkStatus();  // RunProgram() sees the stream's state
}

}  // namespace attentiond::client
