#include "core/generate/generation_config.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/prefixed_status.h"
#include "core/base/status_macros.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

using nlohmann::json;
using Status = absl::Status;

constexpr int64_t kMaxListed = 4096;  // tokens of a list

Status Wrong(absl::string_view required) { return absl::InvalidArgumentError(required); }

Status Read(const json& value, int64_t* field) {
  if (!value.is_number_integer()) return Wrong("an integer");
  *field = value.get<int64_t>();
  return absl::OkStatus();
}
Status Read(const json& value, uint64_t* field) {
  if (!value.is_number_unsigned()) return Wrong("an integer of at least 0");
  *field = value.get<uint64_t>();
  return absl::OkStatus();
}
Status Read(const json& value, double* field) {
  if (!value.is_number()) return Wrong("a number");
  *field = value.get<double>();
  return absl::OkStatus();
}
Status Read(const json& value, bool* field) {
  if (!value.is_boolean()) return Wrong("true or false");
  *field = value.get<bool>();
  return absl::OkStatus();
}
Status Read(const json& value, int32_t* field) {
  if (!value.is_number_integer() || value.get<int64_t>() < 0 ||
      value.get<int64_t>() > std::numeric_limits<int32_t>::max()) {
    return Wrong("the id of a token");
  }
  *field = value.get<int32_t>();
  return absl::OkStatus();
}
Status Read(const json& value, std::optional<int32_t>* field) {
  int32_t id = 0;
  RETURN_IF_ERROR(Read(value, &id));
  *field = id;
  return absl::OkStatus();
}
// One token, or a list of them.
Status Read(const json& value, std::vector<int32_t>* field) {
  std::vector<int32_t> ids;
  const json list = value.is_array() ? value : json::array({value});
  if (list.size() > static_cast<size_t>(kMaxListed)) return Wrong("at most 4096 tokens");
  for (const json& element : list) {
    ids.emplace_back();
    if (!Read(element, &ids.back()).ok()) return Wrong("the id of a token, or a list of such");
  }
  *field = std::move(ids);
  return absl::OkStatus();
}
Status Read(const json& value, std::vector<std::vector<int32_t>>* field) {
  std::vector<std::vector<int32_t>> lists;
  if (!value.is_array()) return Wrong("a list of lists of tokens");
  if (value.size() > static_cast<size_t>(kMaxListed)) return Wrong("at most 4096 lists of tokens");
  for (const json& element : value) {
    lists.emplace_back();
    if (!element.is_array() || !Read(element, &lists.back()).ok() || lists.back().empty()) {
      return Wrong("a list of lists of tokens, none of them empty");
    }
  }
  *field = std::move(lists);
  return absl::OkStatus();
}
Status Read(const json& value, EarlyStopping* field) {
  if (value == json("never")) {
    *field = EarlyStopping::kNever;
  } else if (value.is_boolean()) {
    *field = value.get<bool>() ? EarlyStopping::kAtOnce : EarlyStopping::kHeuristic;
  } else {
    return Wrong("true, false or \"never\"");
  }
  return absl::OkStatus();
}

// A field by the name that files and requests give it.
struct Option {
  absl::string_view name;
  bool of_requests;
  Status (*read)(const json& value, GenerationOptions* options);
};
#define ATTENTIOND_OPTION(name, of_requests)                                            \
  {                                                                                     \
#name, of_requests,                                                                 \
        [](const json& value, GenerationOptions* to) { return Read(value, &to->name); } \
  }
constexpr Option kOptions[] = {
    ATTENTIOND_OPTION(num_beams, true),
    ATTENTIOND_OPTION(num_return_sequences, true),
    ATTENTIOND_OPTION(max_new_tokens, true),
    ATTENTIOND_OPTION(min_new_tokens, true),
    ATTENTIOND_OPTION(length_penalty, true),
    ATTENTIOND_OPTION(early_stopping, true),
    ATTENTIOND_OPTION(repetition_penalty, true),
    ATTENTIOND_OPTION(no_repeat_ngram_size, true),
    ATTENTIOND_OPTION(bad_words_ids, true),
    ATTENTIOND_OPTION(suppress_tokens, true),
    ATTENTIOND_OPTION(begin_suppress_tokens, true),
    ATTENTIOND_OPTION(forced_bos_token_id, true),
    ATTENTIOND_OPTION(forced_eos_token_id, true),
    ATTENTIOND_OPTION(do_sample, true),
    ATTENTIOND_OPTION(temperature, true),
    ATTENTIOND_OPTION(top_k, true),
    ATTENTIOND_OPTION(top_p, true),
    ATTENTIOND_OPTION(seed, true),
    ATTENTIOND_OPTION(eos_token_id, false),
    ATTENTIOND_OPTION(pad_token_id, false),
    ATTENTIOND_OPTION(decoder_start_token_id, false),
};
#undef ATTENTIOND_OPTION

const Option* Find(absl::string_view name) {
  const auto* const option =
      std::find_if(std::begin(kOptions), std::end(kOptions),
                   [name](const Option& candidate) { return candidate.name == name; });
  return option == std::end(kOptions) ? nullptr : option;
}

Status ReadOption(const Option& option, const json& value, GenerationOptions* options) {
  const Status status = option.read(value, options);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(absl::StrCat(option.name, " is ", Quoted(value.dump()), ", ",
                                                 status.message(), " is required"));
}

// Options that change results, and the value with which they do not.
struct Unsupported {
  const char* name;
  json harmless;  // besides null
};
const std::vector<Unsupported>& UnsupportedOptions() {
  static const auto* const options = new std::vector<Unsupported>{
      {"num_beam_groups", 1},
      {"diversity_penalty", 0},
      {"penalty_alpha", 0},
      {"constraints", nullptr},
      {"force_words_ids", nullptr},
      {"dola_layers", nullptr},
      {"typical_p", 1},
      {"min_p", 0},
      {"top_h", nullptr},
      {"epsilon_cutoff", 0},
      {"eta_cutoff", 0},
      {"encoder_repetition_penalty", 1},
      {"encoder_no_repeat_ngram_size", 0},
      {"exponential_decay_length_penalty", nullptr},
      {"sequence_bias", nullptr},
      {"renormalize_logits", false},
      {"token_healing", false},
      {"guidance_scale", 1},
      {"watermarking_config", nullptr},
      {"stop_strings", nullptr},
      {"max_time", nullptr},
      {"prompt_lookup_num_tokens", nullptr},
      {"assistant_early_exit", nullptr},
  };
  return *options;
}

Status RefuseUnsupported(const json& config) {
  for (const Unsupported& option : UnsupportedOptions()) {
    const auto value = config.find(option.name);
    if (value == config.end() || value->is_null() || *value == option.harmless) continue;
    return absl::UnimplementedError(absl::StrCat("\"", option.name, "\" is ", Quoted(value->dump()),
                                                 ", which is not supported"));
  }
  return absl::OkStatus();
}

// Lengths of whole sequences, which transformers counts with the token that the decoder starts
// with; the counts of new tokens go before them.
Status ReadLengths(const json& config, GenerationOptions* options) {
  ASSIGN_OR_RETURN(const int64_t max_length,
                   GetInt(config, "max_length", options->max_new_tokens + 1));
  ASSIGN_OR_RETURN(const int64_t min_length, GetInt(config, "min_length", 0));
  options->max_new_tokens = max_length - 1;
  options->min_new_tokens = std::max<int64_t>(0, min_length - 1);
  return absl::OkStatus();
}

Status ReadConfig(const json& config, GenerationOptions* options) {
  RETURN_IF_ERROR(RefuseUnsupported(config));
  RETURN_IF_ERROR(ReadLengths(config, options));
  for (const Option& option : kOptions) {
    const auto value = config.find(std::string(option.name));
    if (value == config.end() || value->is_null()) continue;
    RETURN_IF_ERROR(ReadOption(option, *value, options));
  }
  // Said of beams alone; an older transformers wrote it without any.
  if (options->num_beams == 1 && !options->do_sample) options->num_return_sequences = 1;
  return absl::OkStatus();
}

// `key` of a composite model's file: its own, its decoder's or its text model's; null when none
// has it.
json SpecialToken(const json& config, const char* key) {
  for (const char* const part : {"", "decoder", "text_config"}) {
    const json* object = &config;
    if (*part != '\0') {
      const auto found = config.find(part);
      if (found == config.end() || !found->is_object()) continue;
      object = &*found;
    }
    const auto value = object->find(key);
    if (value != object->end() && !value->is_null()) return *value;
  }
  return nullptr;
}

// Special tokens that `generation` does not name, from `config`; then what transformers puts in
// their place: the beginning of a text to start with, its end to pad with.
Status ReadSpecialTokens(const json& generation, const json& config, GenerationOptions* options) {
  const auto look_up = [&](const char* key) {
    const auto value = generation.find(key);
    return value != generation.end() && !value->is_null() ? *value : SpecialToken(config, key);
  };
  const json eos = look_up("eos_token_id");
  if (!eos.is_null()) RETURN_IF_ERROR(ReadOption(*Find("eos_token_id"), eos, options));
  json pad = look_up("pad_token_id");
  if (pad.is_null() && !options->eos_token_id.empty()) pad = options->eos_token_id.front();
  if (!pad.is_null()) RETURN_IF_ERROR(ReadOption(*Find("pad_token_id"), pad, options));
  json start = look_up("decoder_start_token_id");
  if (start.is_null()) start = look_up("bos_token_id");
  if (start.is_null()) {
    return absl::InvalidArgumentError(
        "neither \"decoder_start_token_id\" nor \"bos_token_id\" is there, one is required");
  }
  return ReadOption(*Find("decoder_start_token_id"), start, options);
}

Status CheckRange(absl::string_view name, int64_t value, int64_t min, int64_t max) {
  if (value >= min && value <= max) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " is ", value, ", ", min, " to ", max, " is required"));
}

Status Require(bool holds, absl::string_view name, double value, absl::string_view required) {
  if (holds) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " is ", value, ", ", required, " is required"));
}

Status CheckIds(absl::string_view name, const std::vector<int32_t>& ids, int32_t vocab_size) {
  for (const int32_t id : ids) RETURN_IF_ERROR(CheckRange(name, id, 0, vocab_size - 1));
  return absl::OkStatus();
}

Status CheckTokens(const GenerationOptions& options, int32_t vocab_size) {
  for (const std::vector<int32_t>& word : options.bad_words_ids) {
    RETURN_IF_ERROR(CheckIds("bad_words_ids", word, vocab_size));
  }
  RETURN_IF_ERROR(CheckIds("suppress_tokens", options.suppress_tokens, vocab_size));
  RETURN_IF_ERROR(CheckIds("begin_suppress_tokens", options.begin_suppress_tokens, vocab_size));
  if (options.forced_bos_token_id.has_value()) {
    RETURN_IF_ERROR(CheckIds("forced_bos_token_id", {*options.forced_bos_token_id}, vocab_size));
  }
  RETURN_IF_ERROR(CheckIds("forced_eos_token_id", options.forced_eos_token_id, vocab_size));
  RETURN_IF_ERROR(CheckIds("eos_token_id", options.eos_token_id, vocab_size));
  RETURN_IF_ERROR(CheckIds("pad_token_id", {options.pad_token_id}, vocab_size));
  return CheckIds("decoder_start_token_id", {options.decoder_start_token_id}, vocab_size);
}

}  // namespace

absl::StatusOr<GenerationOptions> LoadGenerationOptions(const std::string& directory,
                                                        int32_t vocab_size) {
  const std::string config_path = absl::StrCat(directory, "/config.json");
  const std::string generation_path = absl::StrCat(directory, "/generation_config.json");
  ASSIGN_OR_RETURN(const json config, ReadJsonFile(config_path));
  std::error_code error;
  const bool has_own = std::filesystem::exists(generation_path, error);
  json generation = config;
  if (has_own) {
    ASSIGN_OR_RETURN(generation, ReadJsonFile(generation_path));
  }
  const std::string& path = has_own ? generation_path : config_path;
  GenerationOptions options;
  Status status = ReadConfig(generation, &options);
  if (status.ok()) status = ReadSpecialTokens(generation, config, &options);
  if (status.ok() && options.do_sample && options.num_beams > 1) {
    status = absl::UnimplementedError(
        "\"do_sample\" with \"num_beams\" above 1 (beams that sample) is not supported");
  }
  if (status.ok()) status = CheckGenerationOptions(options, vocab_size);
  if (!status.ok()) return Prefixed(path, status);
  return options;
}

std::vector<absl::string_view> GenerationOptionNames() {
  std::vector<absl::string_view> names;
  for (const Option& option : kOptions) {
    if (option.of_requests) names.push_back(option.name);
  }
  return names;
}

bool IsGenerationOption(absl::string_view name) {
  const Option* const option = Find(name);
  return option != nullptr && option->of_requests;
}

absl::Status SetGenerationOption(absl::string_view name, const json& value,
                                 GenerationOptions* options) {
  return ReadOption(*Find(name), value, options);
}

absl::Status CheckGenerationOptions(const GenerationOptions& options, int32_t vocab_size) {
  constexpr int64_t kMaxTokens = int64_t{1} << 20;
  RETURN_IF_ERROR(CheckRange("num_beams", options.num_beams, 1, kMaxBeams));
  if (options.do_sample && options.num_beams > 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "do_sample is true and num_beams ", options.num_beams, ": sampling requires num_beams 1"));
  }
  RETURN_IF_ERROR(CheckRange("num_return_sequences", options.num_return_sequences, 1,
                             options.do_sample ? kMaxBeams : options.num_beams));
  RETURN_IF_ERROR(CheckRange("max_new_tokens", options.max_new_tokens, 1, kMaxTokens));
  RETURN_IF_ERROR(CheckRange("min_new_tokens", options.min_new_tokens, 0, options.max_new_tokens));
  RETURN_IF_ERROR(Require(std::abs(options.length_penalty) <= 100, "length_penalty",
                          options.length_penalty, "-100 to 100"));
  RETURN_IF_ERROR(Require(options.repetition_penalty > 0 && options.repetition_penalty <= 100,
                          "repetition_penalty", options.repetition_penalty,
                          "more than 0 and at most 100"));
  RETURN_IF_ERROR(CheckRange("no_repeat_ngram_size", options.no_repeat_ngram_size, 0, kMaxTokens));
  RETURN_IF_ERROR(Require(options.temperature > 0 && options.temperature <= 100, "temperature",
                          options.temperature, "more than 0 and at most 100"));
  RETURN_IF_ERROR(CheckRange("top_k", options.top_k, 0, std::numeric_limits<int32_t>::max()));
  RETURN_IF_ERROR(Require(options.top_p > 0 && options.top_p <= 1, "top_p", options.top_p,
                          "more than 0 and at most 1"));
  return CheckTokens(options, vocab_size);
}

}  // namespace attentiond
