// BuildNormalizer (core/text/component_factories.h).
#include <array>
#include <utility>

#include "core/text/component_factories.h"
#include "core/text/component_json.h"
#include "core/text/normalizers/bert_normalizer.h"
#include "core/text/normalizers/character_normalizers.h"
#include "core/text/normalizers/precompiled.h"
#include "core/text/normalizers/text_normalizers.h"
#include "core/text/normalizers/unicode_form.h"

namespace attentiond {
namespace {

class NormalizerSequence final : public Normalizer {
 public:
  explicit NormalizerSequence(std::vector<std::unique_ptr<Normalizer>> steps)
      : steps_(std::move(steps)) {}
  static absl::StatusOr<std::unique_ptr<Normalizer>> FromJson(const nlohmann::json& section) {
    ASSIGN_OR_RETURN(auto steps,
                     BuildSequence<Normalizer>(section, "normalizers", BuildNormalizer));
    return std::make_unique<NormalizerSequence>(std::move(steps));
  }

  absl::Status Normalize(AlignedText* text) const override {
    for (const auto& step : steps_) RETURN_IF_ERROR(step->Normalize(text));
    return absl::OkStatus();
  }

 private:
  std::vector<std::unique_ptr<Normalizer>> steps_;
};

constexpr std::array<ComponentKind<Normalizer>, 14> kKinds = {{
    {"BertNormalizer", BertNormalizer::FromJson},
    {"NFC", UnicodeForm::FromJson<true, false>},
    {"NFD", UnicodeForm::FromJson<false, false>},
    {"NFKC", UnicodeForm::FromJson<true, true>},
    {"NFKD", UnicodeForm::FromJson<false, true>},
    {"Lowercase", LowercaseNormalizer::FromJson},
    {"StripAccents", StripAccents::FromJson},
    {"Strip", StripNormalizer::FromJson},
    {"Replace", ReplaceNormalizer::FromJson},
    {"Prepend", PrependNormalizer::FromJson},
    {"Nmt", NmtNormalizer::FromJson},
    {"Precompiled", Precompiled::FromJson},
    {"ByteLevel", ByteLevelNormalizer::FromJson},
    {"Sequence", NormalizerSequence::FromJson},
}};

}  // namespace

absl::StatusOr<std::unique_ptr<Normalizer>> BuildNormalizer(const nlohmann::json& section) {
  ASSIGN_OR_RETURN(const std::string type, GetString(section, "type", ""));
  ASSIGN_OR_RETURN(const ComponentKind<Normalizer> kind, FindKind(kKinds, type));
  return kind.from_json(section);
}

}  // namespace attentiond
