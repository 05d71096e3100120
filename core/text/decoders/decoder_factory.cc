// BuildDecoder (core/text/component_factories.h).
#include <array>
#include <utility>

#include "core/text/component_factories.h"
#include "core/text/component_json.h"
#include "core/text/decoders/byte_decoders.h"
#include "core/text/decoders/text_decoders.h"
#include "core/text/decoders/word_piece_decoder.h"

namespace attentiond {
namespace {

class DecoderSequence final : public Decoder {
 public:
  explicit DecoderSequence(std::vector<std::unique_ptr<Decoder>> steps)
      : steps_(std::move(steps)) {}
  static absl::StatusOr<std::unique_ptr<Decoder>> FromJson(const nlohmann::json& section) {
    ASSIGN_OR_RETURN(auto steps, BuildSequence<Decoder>(section, "decoders", BuildDecoder));
    return std::make_unique<DecoderSequence>(std::move(steps));
  }

  absl::Status Decode(std::vector<std::string>* pieces) const override {
    for (const auto& step : steps_) RETURN_IF_ERROR(step->Decode(pieces));
    return absl::OkStatus();
  }

 private:
  std::vector<std::unique_ptr<Decoder>> steps_;
};

constexpr std::array<ComponentKind<Decoder>, 10> kKinds = {{
    {"WordPiece", WordPieceDecoder::FromJson},
    {"ByteLevel", ByteLevelDecoder::FromJson},
    {"ByteFallback", ByteFallbackDecoder::FromJson},
    {"Metaspace", MetaspaceDecoder::FromJson},
    {"BPEDecoder", BpeDecoder::FromJson},
    {"Fuse", FuseDecoder::FromJson},
    {"Strip", StripDecoder::FromJson},
    {"Replace", ReplaceDecoder::FromJson},
    {"CTC", CtcDecoder::FromJson},
    {"Sequence", DecoderSequence::FromJson},
}};

}  // namespace

absl::StatusOr<std::unique_ptr<Decoder>> BuildDecoder(const nlohmann::json& section) {
  ASSIGN_OR_RETURN(const std::string type, GetString(section, "type", ""));
  ASSIGN_OR_RETURN(const ComponentKind<Decoder> kind, FindKind(kKinds, type));
  return kind.from_json(section);
}

}  // namespace attentiond
