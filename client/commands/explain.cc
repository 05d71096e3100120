// client/commands/explain.cc -- attention-client explain: what the words attend to, and what each
// does to the result.
#include <CLI/CLI.hpp>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/commands/commands.h"
#include "client/commands/explain_output.h"
#include "client/commands/text_flags.h"
#include "client/commands/word_attribution.h"
#include "client/commands/word_map.h"

namespace attentiond::client {
namespace {

constexpr char kFooter[] =
    R"(Attention: prints a heat map of each text. A row is where that word looks, in per cent;
without --layer and --head it is the mean of all of them. --rollout follows the words
through the layers: a row is how much of each input word that word is made of.

Attribution (--attribution): leaves out one word after the other and prints by how much
the label's score and logit fall, or how far an embedding turns (1 - cosine). Above zero,
blue and +++: the word speaks for the label. Below, orange and ---: against it. A score
close to 1 hardly moves: --by logit colours by the logit. Heat maps are printed as well
when a flag of the group Maps asks for them; pages always have them.

Examples:
  attention-client explain --model sentiment "I love my cat, but my cat hates me."
  attention-client explain -m sentiment --layer 0 --head 2 "I love my cat."
  attention-client explain -m sentiment --rollout --words "I love my cat."
  attention-client explain -m sentiment --attribution "I love my cat, but my cat hates me."
  attention-client explain -m sentiment --attribution --label POSITIVE --json "Not bad."
  attention-client explain -m sentiment --attribution --html page.html "I love my cat."
  attention-client explain -m sentiment --layer all --html map.html "I love my cat."
  attention-client explain -m sentiment --words --hide-special --svg map.svg "Unbelievable!")";

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
  bool attribution = false;
  std::string label, measure = "score";
  ExplainPictures pictures;
  std::string color = "auto";

  bool prints_maps() const {
    return !attribution || layers.each() || heads.each() || mean || words.rollout ||
           words.merge_words || words.hide_special;
  }
  bool wants_maps() const { return prints_maps() || !pictures.empty(); }
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
  if (!flags.wants_maps()) return v1::ATTENTION_REDUCTION_NO_MAPS;
  if (flags.words.rollout) return v1::ATTENTION_REDUCTION_ROLLOUT;
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

v1::ExplainRequest MakeRequest(const Flags& flags, const TextChunk& chunk) {
  auto request = MakeTextRequest<v1::ExplainRequest>(flags.text, chunk);
  request.mutable_layers()->Add(flags.layers.numbers.begin(), flags.layers.numbers.end());
  request.mutable_heads()->Add(flags.heads.numbers.begin(), flags.heads.numbers.end());
  request.set_reduction(ReductionOf(flags));
  request.set_attribute_words(flags.attribution);
  request.set_attribution_label(flags.label);
  return request;
}

absl::Status HandleResult(const Flags& flags, const v1::Explanation& explanation,
                          const TextRow& text, const Console& console) {
  ExplainedText explained{.explanation = explanation,
                          .text = text,
                          .prints_maps = flags.prints_maps(),
                          .is_rollout = flags.words.rollout};
  ASSIGN_OR_RETURN(explained.maps, ToHeatMaps(explanation, text, flags.words));
  if (explanation.has_attribution()) {
    const auto measure = flags.measure == "logit" ? EffectMeasure::kLogit : EffectMeasure::kScore;
    ASSIGN_OR_RETURN(explained.attribution,
                     ToAttribution(explanation.attribution(), text, measure));
  }
  if (flags.text.json) {
    PrintExplanationJson(explained, console.out);
  } else {
    PrintExplanation(explained, {ColorOf(flags, console), console.columns}, console.out);
  }
  if (flags.pictures.empty()) return absl::OkStatus();
  return WritePictures(flags.pictures, std::move(explained));
}

absl::Status Run(const Flags& flags, const Program& program) {
  const Console& console = *program.console;
  ASSIGN_OR_RETURN(Session session, Session::Open(program.connection, console));
  return ForEachChunk(flags.text, console, [&](const TextChunk& chunk) -> absl::Status {
    if (!flags.pictures.empty() && (chunk.first > 1 || chunk.rows.size() > 1)) {
      return absl::InvalidArgumentError("--html and --svg take one text");
    }
    ASSIGN_OR_RETURN(const v1::ExplainResponse response,
                     OneResultPerRow(session.Advise(session.client().Explain(
                                         MakeRequest(flags, chunk), session.call_options())),
                                     chunk));
    for (int row = 0; row < response.results_size(); ++row) {
      if (!flags.text.json && chunk.first + row > 1) *console.out << "\n";
      RETURN_IF_ERROR(HandleResult(flags, response.results(row),
                                   chunk.rows[static_cast<size_t>(row)], console));
    }
    return absl::OkStatus();
  });
}

void AddMapFlags(CLI::App* command, Flags* flags) {
  constexpr const char* kGroup = "Maps";
  command->add_option("--layer", flags->layers.given, "a map for each of these layers, from 0; all")
      ->option_text("N,...")
      ->delimiter(',')
      ->allow_extra_args(false)  // the text may follow
      ->group(kGroup);
  command->add_option("--head", flags->heads.given, "a map for each of these heads, from 0; all")
      ->option_text("N,...")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(kGroup);
  CLI::Option* const mean =
      command->add_flag("--mean", flags->mean, "one map: the mean of what is selected")
          ->group(kGroup);
  command
      ->add_flag("--rollout", flags->words.rollout,
                 "through all layers, or up to each --layer; over the heads selected")
      ->excludes(mean)
      ->group(kGroup);
  command->add_flag("--words", flags->words.merge_words, "merge the tokens of a word")
      ->group(kGroup);
  command->add_flag("--hide-special", flags->words.hide_special, "leave out tokens such as [CLS]")
      ->group(kGroup);
}

void AddAttributionFlags(CLI::App* command, Flags* flags) {
  constexpr const char* kGroup = "Attribution";
  CLI::Option* const attribution =
      command->add_flag("--attribution", flags->attribution, "what leaving out each word changes")
          ->group(kGroup);
  command->add_option("--label", flags->label, "of this label (default: the best one)")
      ->option_text("NAME")
      ->needs(attribution)
      ->group(kGroup);
  command->add_option("--by", flags->measure, "colour by score (default) or logit")
      ->option_text("MEASURE")
      ->check(CLI::IsMember({"score", "logit"}))
      ->needs(attribution)
      ->group(kGroup);
}

}  // namespace

void AddExplainCommand(Program* program) {
  CLI::App* const command = program->AddCommand(
      "explain", "Show what the words attend to, and what each does to the result", kFooter);
  const auto flags = std::make_shared<Flags>();
  // A map for each layer and head can be large, and the server bounds the maps of a reply.
  flags->text.source.chunk_rows = 1;
  AddTextFlags(command, &flags->text);
  AddMapFlags(command, flags.get());
  AddAttributionFlags(command, flags.get());
  command->add_option("--html", flags->pictures.html, "write a web page that needs no network")
      ->option_text("FILE")
      ->group("Output");
  command->add_option("--svg", flags->pictures.svg, "write a picture of the map")
      ->option_text("FILE")
      ->group("Output");
  command->add_option("--color", flags->color, "auto (default), always or never")
      ->option_text("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->group("Output");
  command->callback([=] {
    ParseSelection("--layer", &flags->layers);
    ParseSelection("--head", &flags->heads);
    flags->pictures.model = flags->text.model;
    program->run = [=] { return Run(*flags, *program); };
  });
}

}  // namespace attentiond::client
