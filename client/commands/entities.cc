// client/commands/entities.cc -- attention-client entities: the named parts of texts.
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/commands/commands.h"
#include "client/commands/json_line.h"
#include "client/commands/text_flags.h"
#include "client/infer_tensors.h"
#include "client/inference_client.h"
#include "client/render/table.h"

namespace attentiond::client {
namespace {

constexpr char kFooter[] =
    R"(Prints what a token classification model finds: label, mean probability, place in the text
in characters, and the part of the text.

Examples:
  attention-client entities --model ner "Marie Curie was born in Warsaw."
  attention-client entities -m ner --file news.txt --json > entities.jsonl)";

struct Flags {
  TextFlags text;
};

absl::StatusOr<nlohmann::json> ParseEntities(const std::string& text) {
  nlohmann::json entities = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto is_entity = [](const nlohmann::json& entity) {
    return entity.is_object() && entity.value("start", nlohmann::json()).is_number_integer() &&
           entity.value("end", nlohmann::json()).is_number_integer() &&
           entity.value("score", nlohmann::json()).is_number() &&
           entity.value("label", nlohmann::json()).is_string() &&
           entity.value("text", nlohmann::json()).is_string();
  };
  if (entities.is_array() && std::all_of(entities.begin(), entities.end(), is_entity)) {
    return entities;
  }
  return absl::InternalError("the server sent entities that are no JSON array of entities");
}

void Print(const TextChunk& chunk, const std::vector<nlohmann::json>& found, bool as_json,
           const Console& console) {
  Table table(
      {{""}, {"", Align::kRight}, {"", Align::kRight}, {"", Align::kLeft, /*shrinks=*/true}});
  for (size_t row = 0; row < chunk.rows.size(); ++row) {
    if (as_json) {
      *console.out << JsonLine({{"text", chunk.rows[row].text}, {"entities", found[row]}});
      continue;
    }
    for (const nlohmann::json& entity : found[row]) {
      table.AddRow({entity["label"].get<std::string>(),
                    absl::StrFormat("%.3f", entity["score"].get<double>()),
                    absl::StrCat(entity["start"].get<int64_t>(), "-", entity["end"].get<int64_t>()),
                    entity["text"].get<std::string>()});
    }
  }
  if (!as_json) *console.out << table.Render(console.columns);
}

absl::Status Run(const Flags& flags, const Program& program) {
  RETURN_IF_ERROR(RefusePairs(flags.text));
  ASSIGN_OR_RETURN(Session session, Session::Open(program.connection, *program.console));
  InferenceClient client(session.channel(), session.caller_options());
  return ForEachChunk(flags.text, *program.console, [&](const TextChunk& chunk) -> absl::Status {
    inference::ModelInferRequest request;
    request.set_model_name(flags.text.model);
    request.set_model_version(flags.text.model_version);
    auto& parameters = *request.mutable_parameters();
    if (flags.text.truncate) parameters["truncate"].set_bool_param(true);
    if (flags.text.truncate_left) parameters["truncation_side"].set_string_param("left");
    std::vector<std::string> texts;
    for (const TextRow& row : chunk.rows) texts.push_back(row.text);
    AddTextInput("text", texts, &request);
    request.add_outputs()->set_name("entities");
    ASSIGN_OR_RETURN(const inference::ModelInferResponse response,
                     session.Advise(client.Infer(request, session.call_options())));
    ASSIGN_OR_RETURN(const std::vector<std::string> rows, GetTextOutput("entities", response));
    if (rows.size() != texts.size()) {
      return absl::InternalError(
          absl::StrCat("the server sent ", rows.size(), " results for ", texts.size(), " texts"));
    }
    std::vector<nlohmann::json> found;
    for (const std::string& row : rows) {
      ASSIGN_OR_RETURN(nlohmann::json entities, ParseEntities(row));
      found.push_back(std::move(entities));
    }
    Print(chunk, found, flags.text.json, *program.console);
    return absl::OkStatus();
  });
}

}  // namespace

void AddEntitiesCommand(Program* program) {
  CLI::App* const command =
      program->AddCommand("entities", "Find the named parts of texts: persons, places", kFooter);
  const auto flags = std::make_shared<Flags>();
  AddTextFlags(command, &flags->text);
  command->callback([=] { program->run = [=] { return Run(*flags, *program); }; });
}

}  // namespace attentiond::client
