// core/vision/preprocessor_config.cc -- reads and checks preprocessor_config.json.
#include "core/vision/preprocessor_config.h"

#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/prefixed_status.h"
#include "core/base/status_macros.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

using nlohmann::json;

constexpr std::array<double, 3> kHalves = {0.5, 0.5, 0.5};
constexpr std::array<double, 3> kClipMean = {0.48145466, 0.4578275, 0.40821073};
constexpr std::array<double, 3> kClipDeviation = {0.26862954, 0.26130258, 0.27577711};

/// What a type does unless the file says otherwise. All rescale and normalise.
struct TypeDefaults {
  absl::string_view type;
  Resampling resample = Resampling::kBicubic;
  std::array<double, 3> mean = kHalves, deviation = kHalves;
  int64_t size = 224;
  bool number_is_square = true;  ///< a number as `size`: both sides, not the shorter one
  int64_t crop = 0;              ///< 0: none
};

// Source: the class attributes of transformers' image processors.
constexpr TypeDefaults kTypes[] = {
    {.type = "ViTImageProcessor", .resample = Resampling::kBilinear},
    {.type = "DeiTImageProcessor", .size = 256, .crop = 224},
    {.type = "BlipImageProcessor", .mean = kClipMean, .deviation = kClipDeviation, .size = 384},
    {.type = "CLIPImageProcessor",
     .mean = kClipMean,
     .deviation = kClipDeviation,
     .number_is_square = false,
     .crop = 224},
};

absl::StatusOr<const TypeDefaults*> FindType(const json& object, absl::string_view default_type) {
  ASSIGN_OR_RETURN(std::string name, GetString(object, "image_processor_type", ""));
  if (name.empty()) {
    ASSIGN_OR_RETURN(name, GetString(object, "feature_extractor_type", ""));
  }
  const std::string found = name.empty() ? std::string(default_type) : name;
  absl::string_view bare = found;
  if (!absl::ConsumeSuffix(&bare, "Fast")) absl::ConsumeSuffix(&bare, "Pil");
  const std::string type = absl::ConsumeSuffix(&bare, "FeatureExtractor")
                               ? absl::StrCat(bare, "ImageProcessor")
                               : std::string(bare);
  std::string supported;
  for (const TypeDefaults& defaults : kTypes) {
    if (type == defaults.type) return &defaults;
    absl::StrAppend(&supported, supported.empty() ? "" : ", ", defaults.type);
  }
  return absl::UnimplementedError(absl::StrCat("\"image_processor_type\" ", Quoted(found),
                                               " is not supported (supported: ", supported, ")"));
}

absl::StatusOr<int64_t> ParseSide(const json& value, absl::string_view key) {
  if (value.is_number_integer() || value.is_number_unsigned()) {
    const auto side = value.get<int64_t>();
    if (side >= 1 && side <= PreprocessorConfig::kMaxSide) return side;
  }
  return absl::InvalidArgumentError(absl::StrCat("\"", key, "\" is ", Quoted(value.dump()),
                                                 ", 1 to ", PreprocessorConfig::kMaxSide,
                                                 " is required"));
}

absl::StatusOr<ImageSize> ParseSides(const json& height, const json& width, absl::string_view key) {
  ImageSize size;
  ASSIGN_OR_RETURN(size.height, ParseSide(height, key));
  ASSIGN_OR_RETURN(size.width, ParseSide(width, key));
  return size;
}

/// A number, [height, width], {"height", "width"}, or of `size` {"shortest_edge"} with or without
/// "longest_edge".
absl::StatusOr<ResizeTarget> ParseTarget(const json& value, absl::string_view key,
                                         bool number_is_square) {
  ResizeTarget target;
  if (value.is_number()) {
    ASSIGN_OR_RETURN(const int64_t side, ParseSide(value, key));
    if (number_is_square) {
      target.size = ImageSize{side, side};
    } else {
      target.shortest_edge = side;
    }
    return target;
  }
  if (value.is_array() && value.size() == 2) {
    ASSIGN_OR_RETURN(target.size, ParseSides(value[0], value[1], key));
    return target;
  }
  if (value.is_object() && value.size() == 2 && value.contains("height") &&
      value.contains("width")) {
    ASSIGN_OR_RETURN(target.size, ParseSides(value["height"], value["width"], key));
    return target;
  }
  if (key == "size" && value.is_object() && value.contains("shortest_edge") &&
      value.size() == (value.contains("longest_edge") ? 2 : 1)) {
    ASSIGN_OR_RETURN(target.shortest_edge, ParseSide(value["shortest_edge"], key));
    if (value.size() == 1) return target;
    ASSIGN_OR_RETURN(target.longest_edge, ParseSide(value["longest_edge"], key));
    return target;
  }
  return absl::UnimplementedError(
      absl::StrCat("\"", key, "\" ", Quoted(value.dump()),
                   " is not supported, only a number or height and width",
                   key == "size" ? ", or shortest_edge with or without longest_edge" : ""));
}

/// The value of `key`, null when it is not there.
const json& At(const json& object, const char* key) {
  static const json kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

absl::Status ParseResize(const json& object, const TypeDefaults& defaults,
                         PreprocessorConfig* config) {
  ASSIGN_OR_RETURN(const bool resizes, GetBool(object, "do_resize", true));
  ASSIGN_OR_RETURN(const int64_t filter,
                   GetInt(object, "resample", static_cast<int64_t>(defaults.resample)));
  if (filter < 0 || filter > static_cast<int64_t>(Resampling::kHamming)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"resample\" is ", filter, ", 0 to 5 is required"));
  }
  config->resample = static_cast<Resampling>(filter);
  if (!resizes) return absl::OkStatus();
  ASSIGN_OR_RETURN(const bool number_is_square,
                   GetBool(object, "default_to_square", defaults.number_is_square));
  const json& size = At(object, "size");
  ASSIGN_OR_RETURN(config->resize, ParseTarget(size.is_null() ? json(defaults.size) : size, "size",
                                               number_is_square));
  return absl::OkStatus();
}

absl::Status ParseCrop(const json& object, const TypeDefaults& defaults,
                       PreprocessorConfig* config) {
  ASSIGN_OR_RETURN(const bool crops, GetBool(object, "do_center_crop", defaults.crop > 0));
  if (!crops) return absl::OkStatus();
  const json& size = At(object, "crop_size");
  if (size.is_null() && defaults.crop == 0) {
    return absl::InvalidArgumentError("\"do_center_crop\" is true, but \"crop_size\" is missing");
  }
  ASSIGN_OR_RETURN(const ResizeTarget target,
                   ParseTarget(size.is_null() ? json(defaults.crop) : size, "crop_size", true));
  config->crop = target.size;
  return absl::OkStatus();
}

absl::Status ParseRescale(const json& object, PreprocessorConfig* config) {
  ASSIGN_OR_RETURN(const bool rescales, GetBool(object, "do_rescale", true));
  if (!rescales) return absl::OkStatus();
  ASSIGN_OR_RETURN(const double factor, GetDouble(object, "rescale_factor", 1.0 / 255.0));
  if (!(factor > 0 && factor <= 1e6)) {
    return absl::InvalidArgumentError(absl::StrCat("\"rescale_factor\" is ", factor,
                                                   ", more than 0 and at most 1e6 is required"));
  }
  config->rescale_factor = factor;
  return absl::OkStatus();
}

/// Three numbers, or one for all.
absl::StatusOr<std::array<double, 3>> ParseChannels(const json& object, const char* key,
                                                    const std::array<double, 3>& fallback,
                                                    bool must_be_positive) {
  const json& value = At(object, key);
  if (value.is_null()) return fallback;
  std::array<double, 3> channels;
  for (size_t c = 0; c < channels.size(); ++c) {
    const json& channel = value.is_array() && value.size() == channels.size() ? value[c] : value;
    channels[c] = channel.is_number() ? channel.get<double>() : std::nan("");
    if (std::fabs(channels[c]) <= 1e6 && (channels[c] > 0 || !must_be_positive)) continue;
    return absl::InvalidArgumentError(absl::StrCat("\"", key, "\" is ", Quoted(value.dump()),
                                                   ", three ", must_be_positive ? "positive " : "",
                                                   "numbers of at most 1e6 are required"));
  }
  return channels;
}

absl::Status ParseNormalize(const json& object, const TypeDefaults& defaults,
                            PreprocessorConfig* config) {
  ASSIGN_OR_RETURN(const bool normalizes, GetBool(object, "do_normalize", true));
  if (!normalizes) return absl::OkStatus();
  PreprocessorConfig::Normalization normalization;
  ASSIGN_OR_RETURN(normalization.mean, ParseChannels(object, "image_mean", defaults.mean, false));
  ASSIGN_OR_RETURN(normalization.deviation,
                   ParseChannels(object, "image_std", defaults.deviation, true));
  config->normalize = normalization;
  return absl::OkStatus();
}

/// Steps of other processors, when they are asked for.
absl::Status RefuseUnsupported(const json& object) {
  for (const char* key :
       {"do_pad", "offset", "do_flip_channel_order", "do_thumbnail", "do_align_long_axis",
        "do_crop_margin", "do_reduce_labels", "do_image_splitting", "use_square_size"}) {
    ASSIGN_OR_RETURN(const bool value, GetBool(object, key, false));
    if (value) {
      return absl::UnimplementedError(absl::StrCat("\"", key, "\" true is not supported"));
    }
  }
  for (const char* key : {"crop_pct", "reducing_gap", "pad_size"}) {
    if (!At(object, key).is_null()) {
      return absl::UnimplementedError(absl::StrCat("\"", key, "\" is not supported"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::optional<ImageSize> PreprocessorConfig::OutputSize() const {
  if (crop) return crop;
  return resize ? resize->size : std::nullopt;
}

absl::StatusOr<PreprocessorConfig> ParsePreprocessorConfig(const json& object,
                                                           absl::string_view default_type) {
  ASSIGN_OR_RETURN(const TypeDefaults* const defaults, FindType(object, default_type));
  PreprocessorConfig config;
  config.type = std::string(defaults->type);
  RETURN_IF_ERROR(RefuseUnsupported(object));
  RETURN_IF_ERROR(ParseResize(object, *defaults, &config));
  RETURN_IF_ERROR(ParseCrop(object, *defaults, &config));
  RETURN_IF_ERROR(ParseRescale(object, &config));
  RETURN_IF_ERROR(ParseNormalize(object, *defaults, &config));
  return config;
}

absl::StatusOr<PreprocessorConfig> LoadPreprocessorConfig(const std::string& directory,
                                                          absl::string_view default_type) {
  constexpr int64_t kMaxBytes = int64_t{1} << 20;
  const auto parse = [&](const std::string& path,
                         const json& object) -> absl::StatusOr<PreprocessorConfig> {
    auto config = ParsePreprocessorConfig(object, default_type);
    if (config.ok()) return config;
    return Prefixed(path, config.status());
  };
  const std::string processor_path = directory + "/processor_config.json";
  const absl::StatusOr<json> processor = ReadJsonFile(processor_path, kMaxBytes);
  if (processor.ok()) {
    const json& nested = At(*processor, "image_processor");
    if (nested.is_object()) return parse(processor_path, nested);
  } else if (!absl::IsNotFound(processor.status())) {
    return processor.status();
  }
  const std::string path = directory + "/preprocessor_config.json";
  ASSIGN_OR_RETURN(const json object, ReadJsonFile(path, kMaxBytes));
  return parse(path, object);
}

}  // namespace attentiond
