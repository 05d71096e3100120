// client/commands/explain.cc -- attention-client explain: what the words attend to, as a heat map.
#include <CLI/CLI.hpp>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/commands/commands.h"
#include "client/commands/json_line.h"
#include "client/commands/text_flags.h"
#include "client/commands/word_map.h"
#include "client/file.h"
#include "client/render/escape.h"
#include "client/tensor_conversion.h"

namespace attentiond::client {
namespace {

constexpr char kFooter[] =
    R"(Prints a heat map of each text: a row is where that word looks, in per cent. Without
--layer and --head it is the mean of all of them.

Examples:
  attention-client explain --model sentiment "I love my cat, but my cat hates me."
  attention-client explain -m sentiment --layer 0 --head 2 "I love my cat."
  attention-client explain -m sentiment --layer all --html map.html "I love my cat."
  attention-client explain -m sentiment --words --hide-special --svg map.svg "Unbelievable!")";

// A page of more cells than this is slow to open and says nothing.
constexpr size_t kMaxPageCells = 500'000;

// "--layer 0,2", "--layer all", or absent.
struct Selection {
  std::vector<std::string> given;
  std::vector<int32_t> numbers;  // empty: all
  bool each() const { return !given.empty(); }
};

struct Flags {
  TextFlags text;
  Selection layers, heads;
  bool mean = false;
  WordMapOptions words;
  std::string html, svg;
  std::string color = "auto";
};

void ParseSelection(const std::string& flag, Selection* selection) {
  if (selection->given == std::vector<std::string>{"all"}) return;
  for (const std::string& text : selection->given) {
    int32_t number = 0;
    if (!absl::SimpleAtoi(text, &number) || number < 0) {
      throw CLI::ValidationError(
          flag, absl::StrCat("\"", text, "\" is neither \"all\" nor a number from 0"));
    }
    selection->numbers.push_back(number);
  }
}

v1::AttentionReduction ReductionOf(const Flags& flags) {
  if (flags.mean) return v1::ATTENTION_REDUCTION_MEAN_ALL;
  if (flags.layers.each() && flags.heads.each()) return v1::ATTENTION_REDUCTION_NONE;
  if (flags.layers.each()) return v1::ATTENTION_REDUCTION_MEAN_HEADS;
  if (flags.heads.each()) return v1::ATTENTION_REDUCTION_MEAN_LAYERS;
  return v1::ATTENTION_REDUCTION_MEAN_ALL;
}

ColorDepth ColorOf(const Flags& flags, const Console& console) {
  if (flags.color == "never") return ColorDepth::kNone;
  return flags.color == "always" ? console.forced_color : console.color;
}

void PrintText(const v1::Explanation& explanation, const TextRow& text,
               const std::vector<HeatMap>& maps, const TerminalStyle& style,
               const Console& console) {
  *console.out << Printable(text.text);
  if (text.pair) *console.out << " | " << Printable(*text.pair);
  *console.out << "\n";
  for (const auto& label : explanation.classification().labels()) {
    *console.out << Printable(absl::StrFormat("%s %.3f   ", label.label(), label.score()));
  }
  if (explanation.classification().labels_size() > 0) *console.out << "\n";
  for (const HeatMap& map : maps) {
    *console.out << "\n" << Printable(map.title) << ", % of each row\n";
    *console.out << RenderHeatMapTerminal(map, style);
  }
  if (explanation.truncated_tokens() > 0) {
    *console.out << explanation.truncated_tokens() << " more tokens were cut off\n";
  }
}

void PrintJson(const v1::Explanation& explanation, const TextRow& text,
               const std::vector<HeatMap>& maps, const Console& console) {
  nlohmann::ordered_json object = {{"text", text.text}};
  if (text.pair) object["text_pair"] = *text.pair;
  object["tokens"] = maps.empty() ? std::vector<std::string>() : maps.front().row_labels;
  object["maps"] = nlohmann::ordered_json::array();
  for (size_t i = 0; i < maps.size(); ++i) {
    const v1::AttentionMap& proto = explanation.maps(static_cast<int>(i));
    nlohmann::ordered_json map;
    if (proto.has_layer()) map["layer"] = proto.layer();
    if (proto.has_head()) map["head"] = proto.head();
    map["weights"] = nlohmann::ordered_json::array();
    for (size_t row = 0; row < maps[i].rows(); ++row) {
      nlohmann::ordered_json& values = map["weights"].emplace_back(nlohmann::ordered_json::array());
      for (size_t column = 0; column < maps[i].columns(); ++column) {
        values.push_back(FewestDigits(maps[i].at(row, column)));
      }
    }
    object["maps"].push_back(map);
  }
  for (const auto& label : explanation.classification().labels()) {
    object["labels"].push_back({{"label", label.label()}, {"score", FewestDigits(label.score())}});
  }
  *console.out << JsonLine(object);
}

absl::Status WritePictures(const Flags& flags, const v1::Explanation& explanation,
                           const TextRow& text, std::vector<HeatMap> maps) {
  const size_t cells = maps.size() * maps.front().rows() * maps.front().columns();
  if (cells > kMaxPageCells) {
    return absl::InvalidArgumentError(
        absl::StrCat(cells,
                     " cells are too many for a picture; choose fewer with --layer and "
                     "--head, or a shorter text"));
  }
  if (!flags.svg.empty()) {
    if (maps.size() > 1) {
      return absl::InvalidArgumentError(
          "--svg draws one map; choose one with --layer and --head, or add --mean");
    }
    RETURN_IF_ERROR(WriteFile(flags.svg, RenderHeatMapSvg(maps.front())));
  }
  if (flags.html.empty()) return absl::OkStatus();
  HeatMapPage page;
  page.text = text.pair ? absl::StrCat(text.text, " | ", *text.pair) : text.text;
  page.model = flags.text.model;
  for (const auto& label : explanation.classification().labels()) {
    page.scores.emplace_back(label.label(), label.score());
  }
  page.maps = std::move(maps);
  return WriteFile(flags.html, RenderHeatMapHtml(page));
}

absl::Status HandleResult(const Flags& flags, const v1::Explanation& explanation,
                          const TextRow& text, const Console& console) {
  ASSIGN_OR_RETURN(std::vector<HeatMap> maps, ToHeatMaps(explanation, text, flags.words));
  if (flags.text.json) {
    PrintJson(explanation, text, maps, console);
  } else {
    const TerminalStyle style{ColorOf(flags, console), console.columns};
    PrintText(explanation, text, maps, style, console);
  }
  if (flags.html.empty() && flags.svg.empty()) return absl::OkStatus();
  if (maps.empty()) return absl::InternalError("the server sent no map");
  return WritePictures(flags, explanation, text, std::move(maps));
}

absl::Status Run(const Flags& flags, const Program& program) {
  const Console& console = *program.console;
  ASSIGN_OR_RETURN(Session session, Session::Open(program.connection, console));
  return ForEachChunk(flags.text, console, [&](const TextChunk& chunk) -> absl::Status {
    const bool pictures = !flags.html.empty() || !flags.svg.empty();
    if (pictures && (chunk.first > 1 || chunk.rows.size() > 1)) {
      return absl::InvalidArgumentError("--html and --svg take one text");
    }
    auto request = MakeTextRequest<v1::ExplainRequest>(flags.text, chunk);
    request.mutable_layers()->Add(flags.layers.numbers.begin(), flags.layers.numbers.end());
    request.mutable_heads()->Add(flags.heads.numbers.begin(), flags.heads.numbers.end());
    request.set_reduction(ReductionOf(flags));
    ASSIGN_OR_RETURN(
        const v1::ExplainResponse response,
        OneResultPerRow(session.Advise(session.client().Explain(request, session.call_options())),
                        chunk));
    for (int row = 0; row < response.results_size(); ++row) {
      if (!flags.text.json && chunk.first + row > 1) *console.out << "\n";
      RETURN_IF_ERROR(HandleResult(flags, response.results(row),
                                   chunk.rows[static_cast<size_t>(row)], console));
    }
    return absl::OkStatus();
  });
}

}  // namespace

void AddExplainCommand(Program* program) {
  CLI::App* const command =
      program->AddCommand("explain", "Show what the words attend to: heat maps", kFooter);
  const auto flags = std::make_shared<Flags>();
  // A map for each layer and head can be large, and the server bounds the maps of a reply.
  flags->text.source.chunk_rows = 1;
  AddTextFlags(command, &flags->text);
  constexpr const char* kMaps = "Maps";
  command->add_option("--layer", flags->layers.given, "a map for each of these layers, from 0; all")
      ->option_text("N,...")
      ->delimiter(',')
      ->group(kMaps);
  command->add_option("--head", flags->heads.given, "a map for each of these heads, from 0; all")
      ->option_text("N,...")
      ->delimiter(',')
      ->group(kMaps);
  command->add_flag("--mean", flags->mean, "one map: the mean of what is selected")->group(kMaps);
  command->add_flag("--words", flags->words.merge_words, "merge the tokens of a word")
      ->group(kMaps);
  command->add_flag("--hide-special", flags->words.hide_special, "leave out tokens such as [CLS]")
      ->group(kMaps);
  command->add_option("--html", flags->html, "write a web page that needs no network")
      ->option_text("FILE")
      ->group("Output");
  command->add_option("--svg", flags->svg, "write a picture")->option_text("FILE")->group("Output");
  command->add_option("--color", flags->color, "auto (default), always or never")
      ->option_text("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->group("Output");
  command->callback([=] {
    ParseSelection("--layer", &flags->layers);
    ParseSelection("--head", &flags->heads);
    program->run = [=] { return Run(*flags, *program); };
  });
}

}  // namespace attentiond::client
