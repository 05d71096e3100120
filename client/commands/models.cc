// client/commands/models.cc -- attention-client models: what the server has.
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "client/commands/commands.h"
#include "client/commands/json_line.h"
#include "client/render/table.h"
#include "core/base/status_macros.h"

namespace attentiond::client {
namespace {

constexpr char kFooter[] = R"(Examples:
  attention-client models
  attention-client models --ready --json | jq -r .name)";

struct Flags {
  bool ready_only = false;
  bool json = false;
};

// "MODEL_KIND_EMBEDDING" as "embedding"; a number that this client does not know as the number.
std::string ShortName(const std::string& enum_name, const char* prefix, int number) {
  if (enum_name.empty()) return absl::StrCat(number);
  const std::string name = absl::AsciiStrToLower(absl::StripPrefix(enum_name, prefix));
  return name == "unspecified" ? "" : absl::StrReplaceAll(name, {{"_", " "}});
}

std::string KindName(const v1::ModelDescription& model) {
  return ShortName(v1::ModelKind_Name(model.kind()), "MODEL_KIND_", model.kind());
}

std::string StateName(const v1::ModelDescription& model) {
  return ShortName(v1::ModelState_Name(model.state()), "MODEL_STATE_", model.state());
}

std::string Mebibytes(int64_t bytes) {
  return bytes == 0 ? "" : absl::StrFormat("%.1f MiB", static_cast<double>(bytes) / (1 << 20));
}

std::string NumberOrNothing(int64_t number) { return number == 0 ? "" : absl::StrCat(number); }

void PrintTable(const v1::ListModelsResponse& response, const Console& console) {
  Table table({{"name"},
               {"version"},
               {"state"},
               {"kind"},
               {"type"},
               {"max tokens", Align::kRight},
               {"memory", Align::kRight},
               {"labels, or what is wrong", Align::kLeft, /*shrinks=*/true}});
  for (const v1::ModelDescription& model : response.models()) {
    const std::string note =
        model.reason().empty() ? absl::StrJoin(model.labels(), " ") : model.reason();
    table.AddRow({model.name(), model.version(), StateName(model), KindName(model),
                  model.dtype() == v1::DATA_TYPE_UNSPECIFIED
                      ? ""
                      : ShortName(v1::DataType_Name(model.dtype()), "DATA_TYPE_", model.dtype()),
                  NumberOrNothing(model.max_length()), Mebibytes(model.parameter_bytes()), note});
  }
  *console.out << table.Render(console.columns);
}

void PrintJson(const v1::ListModelsResponse& response, const Console& console) {
  for (const v1::ModelDescription& model : response.models()) {
    nlohmann::ordered_json object = {{"name", model.name()},
                                     {"version", model.version()},
                                     {"state", StateName(model)},
                                     {"kind", KindName(model)},
                                     {"methods", model.methods()},
                                     {"architecture", model.architecture()},
                                     {"max_length", model.max_length()},
                                     {"labels", model.labels()},
                                     {"num_layers", model.num_layers()},
                                     {"num_heads", model.num_heads()},
                                     {"hidden_size", model.hidden_size()},
                                     {"parameter_bytes", model.parameter_bytes()}};
    if (!model.reason().empty()) object["reason"] = model.reason();
    *console.out << JsonLine(object);
  }
}

absl::Status Run(const Flags& flags, const Program& program) {
  ASSIGN_OR_RETURN(Session session, Session::Open(program.connection, *program.console));
  v1::ListModelsRequest request;
  request.set_ready_only(flags.ready_only);
  ASSIGN_OR_RETURN(const v1::ListModelsResponse response,
                   session.Advise(session.client().ListModels(request, session.call_options())));
  (flags.json ? PrintJson : PrintTable)(response, *program.console);
  return absl::OkStatus();
}

}  // namespace

void AddModelsCommand(Program* program) {
  CLI::App* const command = program->AddCommand("models", "List the server's models", kFooter);
  const auto flags = std::make_shared<Flags>();
  command->add_flag("--ready", flags->ready_only, "only models that answer");
  command->add_flag("--json", flags->json, "print one JSON object a model");
  command->callback([=] { program->run = [=] { return Run(*flags, *program); }; });
}

}  // namespace attentiond::client
