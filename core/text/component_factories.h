// core/text/component_factories.h -- the component of a tokenizer that a section of tokenizer.json
// describes.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "core/text/decoder.h"
#include "core/text/normalizer.h"
#include "core/text/post_processor.h"
#include "core/text/pre_tokenizer.h"
#include "core/text/token_model.h"
#include "core/text/vocabulary.h"

namespace attentiond {

/// Each takes the section, an object. kInvalidArgument: it is broken; kUnimplemented: it has a type
/// or an option that is not supported.
absl::StatusOr<std::unique_ptr<Normalizer>> BuildNormalizer(const nlohmann::json& section);
absl::StatusOr<std::unique_ptr<PreTokenizer>> BuildPreTokenizer(const nlohmann::json& section);
absl::StatusOr<std::unique_ptr<TokenModel>> BuildTokenModel(const nlohmann::json& section);
absl::StatusOr<std::unique_ptr<PostProcessor>> BuildPostProcessor(const nlohmann::json& section,
                                                                  const Vocabulary& vocabulary);
absl::StatusOr<std::unique_ptr<Decoder>> BuildDecoder(const nlohmann::json& section);

}  // namespace attentiond
