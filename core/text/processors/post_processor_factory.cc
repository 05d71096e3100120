// BuildPostProcessor (core/text/component_factories.h).
#include <array>
#include <utility>

#include "core/text/component_factories.h"
#include "core/text/component_json.h"
#include "core/text/processors/byte_level_processor.h"
#include "core/text/processors/processor_sequence.h"
#include "core/text/processors/template_processor.h"

namespace attentiond {
namespace {

using Built = absl::StatusOr<std::unique_ptr<PostProcessor>>;

struct Kind {
  absl::string_view type;
  Built (*build)(const nlohmann::json& section, const Vocabulary& vocabulary);
};

Built BuildTemplate(const nlohmann::json& section, const Vocabulary&) {
  return TemplateProcessor::FromTemplateJson(section);
}

Built BuildBert(const nlohmann::json& section, const Vocabulary&) {
  return TemplateProcessor::FromBertJson(section);
}

// Offsets are trimmed as by ByteLevel, before the special tokens are added.
Built BuildRoberta(const nlohmann::json& section, const Vocabulary& vocabulary) {
  std::vector<std::unique_ptr<PostProcessor>> steps;
  ASSIGN_OR_RETURN(auto trim, ByteLevelProcessor::FromJson(section, vocabulary));
  steps.push_back(std::move(trim));
  ASSIGN_OR_RETURN(auto special, TemplateProcessor::FromRobertaJson(section));
  steps.push_back(std::move(special));
  return std::make_unique<ProcessorSequence>(std::move(steps));
}

Built BuildSteps(const nlohmann::json& section, const Vocabulary& vocabulary) {
  ASSIGN_OR_RETURN(auto steps,
                   BuildSequence<PostProcessor>(section, "processors",
                                                [&vocabulary](const nlohmann::json& element) {
                                                  return BuildPostProcessor(element, vocabulary);
                                                }));
  auto sequence = std::make_unique<ProcessorSequence>(std::move(steps));
  if (sequence->num_templates() > 1) {
    return absl::UnimplementedError(
        absl::StrCat("a Sequence with ", sequence->num_templates(),
                     " elements that add special tokens is not supported (at most one may)"));
  }
  return sequence;
}

constexpr std::array<Kind, 5> kKinds = {{
    {"TemplateProcessing", BuildTemplate},
    {"BertProcessing", BuildBert},
    {"RobertaProcessing", BuildRoberta},
    {"ByteLevel", ByteLevelProcessor::FromJson},
    {"Sequence", BuildSteps},
}};

}  // namespace

Built BuildPostProcessor(const nlohmann::json& section, const Vocabulary& vocabulary) {
  ASSIGN_OR_RETURN(const std::string type, GetString(section, "type", ""));
  ASSIGN_OR_RETURN(const Kind kind, FindKind(kKinds, type));
  return kind.build(section, vocabulary);
}

}  // namespace attentiond
