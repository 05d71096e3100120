// client/commands/attend.cc -- attention-client attend: softmax(Q K^T / sqrt(d)) V of tensors from
// files.
#include <CLI/CLI.hpp>
#include <cstring>
#include <map>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/commands/attend_check.h"
#include "client/commands/attend_example.h"
#include "client/commands/commands.h"
#include "client/commands/json_line.h"
#include "client/commands/matrix.h"
#include "client/npy.h"
#include "client/tensor_conversion.h"
#include "client/tensor_file.h"
#include "core/base/prefixed_status.h"
#include "core/base/status_macros.h"

namespace attentiond::client {
namespace {

constexpr char kFooter[] =
    R"(Tensors are [sequences, heads, positions, channels], or without the first one or two
dimensions; files are .npy, .safetensors:NAME, or .safetensors (NAME is then query, key, ...).
There may be fewer key heads than query heads (grouped queries). Numbers in 64 bits are
rounded to 32.

Examples:
  attention-client attend --example
  attention-client attend --query q.npy --key k.npy --value v.npy --output out.npy
  attention-client attend --input qkv.safetensors --causal --weights --check
  attention-client attend --input qkv.safetensors --mask mask.npy --dtype bf16 --json)";

struct Flags {
  bool example = false;
  std::string input, query, key, value, mask, bias;
  std::optional<DType> dtype;
  AttendInputs options;  // its tensors are read later
  bool weights = false, lse = false, check = false, json = false;
  std::string output, weights_output, lse_output;
};

// Leading dimensions of 1 up to four.
absl::StatusOr<Tensor> ToFourDimensions(Tensor tensor, const std::string& place) {
  if (tensor.shape().rank() == 4) return tensor;
  if (tensor.shape().rank() < 2 || tensor.shape().rank() > 4) {
    return absl::InvalidArgumentError(absl::StrCat(
        place, ": has the shape ", tensor.shape().ToString(), ", required 2 to 4 dimensions"));
  }
  std::vector<int64_t> dims(static_cast<size_t>(4 - tensor.shape().rank()), 1);
  dims.insert(dims.end(), tensor.shape().dims().begin(), tensor.shape().dims().end());
  ASSIGN_OR_RETURN(Shape shape, Shape::Create(dims));
  Tensor reshaped(tensor.dtype(), std::move(shape));
  if (tensor.view().num_bytes() > 0) {
    std::memcpy(reshaped.mutable_view().data, tensor.view().data, tensor.view().num_bytes());
  }
  return reshaped;
}

// A floating tensor as `dtype`, or as it is (f64 as f32).
absl::StatusOr<Tensor> ReadFloating(const std::string& place, const std::string& name,
                                    std::optional<DType> dtype) {
  ASSIGN_OR_RETURN(Tensor tensor, ReadTensorFile(place, name));
  if (dtype || tensor.dtype() == DType::kF64 || !IsFloating(tensor.dtype())) {
    absl::StatusOr<Tensor> rounded = ToFloating(tensor.view(), dtype.value_or(DType::kF32));
    if (!rounded.ok()) return Prefixed(place, rounded.status());
    tensor = *std::move(rounded);
  }
  return ToFourDimensions(std::move(tensor), place);
}

absl::StatusOr<Tensor> ReadMask(const std::string& place) {
  ASSIGN_OR_RETURN(Tensor tensor, ReadTensorFile(place, "mask"));
  if (tensor.dtype() != DType::kBool) {
    return absl::InvalidArgumentError(
        absl::StrCat(place, ": a mask of ", Name(tensor.dtype()), ", required bool"));
  }
  return ToFourDimensions(std::move(tensor), place);
}

absl::StatusOr<AttendInputs> ReadInputs(const Flags& flags) {
  AttendInputs inputs;
  inputs.kv_lengths = flags.options.kv_lengths;
  inputs.scale = flags.options.scale;
  inputs.causal = flags.options.causal;
  inputs.window = flags.options.window;
  inputs.softcap = flags.options.softcap;
  const auto place = [&](const std::string& own) { return own.empty() ? flags.input : own; };
  ASSIGN_OR_RETURN(inputs.query, ReadFloating(place(flags.query), "query", flags.dtype));
  ASSIGN_OR_RETURN(inputs.key, ReadFloating(place(flags.key), "key", flags.dtype));
  ASSIGN_OR_RETURN(inputs.value, ReadFloating(place(flags.value), "value", flags.dtype));
  if (!flags.mask.empty()) {
    ASSIGN_OR_RETURN(inputs.mask, ReadMask(flags.mask));
  }
  if (!flags.bias.empty()) {
    ASSIGN_OR_RETURN(inputs.bias, ReadFloating(flags.bias, "bias", DType::kF32));
  }
  return inputs;
}

// What the reply holds, and where each goes.
struct NamedOutput {
  const char* name;
  const v1::Tensor* tensor;  // nullptr: was not asked for
  std::string path;          // empty: printed
};

absl::Status Deliver(const Flags& flags, const v1::AttendResponse& response,
                     const Console& console) {
  const NamedOutput outputs[] = {
      {"output", &response.output(), flags.output},
      {"weights", response.has_weights() ? &response.weights() : nullptr, flags.weights_output},
      {"lse", response.has_lse() ? &response.lse() : nullptr, flags.lse_output}};
  nlohmann::ordered_json object;
  for (const NamedOutput& output : outputs) {
    if (output.tensor == nullptr) continue;
    ASSIGN_OR_RETURN(const TensorView view, FromProto(*output.tensor));
    if (!output.path.empty()) {
      RETURN_IF_ERROR(WriteNpy(output.path, view));
      *console.err << output.name << " " << view.shape.ToString() << " written to " << output.path
                   << "\n";
    } else if (flags.json) {
      object[output.name] = NestedArray(view);
    } else {
      *console.out << output.name << " " << view.shape.ToString() << "\n" << FormatMatrix(view, {});
    }
  }
  if (!object.empty()) *console.out << JsonLine(object);
  return absl::OkStatus();
}

absl::Status Check(const AttendInputs& inputs, const v1::AttendResponse& response,
                   const Console& console) {
  ASSIGN_OR_RETURN(const AttendCheck check, CheckReply(inputs, response));
  const std::string numbers = absl::StrFormat(
      "the largest difference to the same in double precision is %.1e; rounding "
      "allows %.1e",
      check.largest_difference, check.bound);
  if (!check.agrees()) return absl::DataLossError(numbers);
  *console.err << "checked: " << numbers << "\n";
  return absl::OkStatus();
}

absl::Status Run(const Flags& flags, const Program& program) {
  const Console& console = *program.console;
  ASSIGN_OR_RETURN(Session session, Session::Open(program.connection, console));
  if (flags.example) return RunAttendExample(&session, console);
  ASSIGN_OR_RETURN(const AttendInputs inputs, ReadInputs(flags));
  ASSIGN_OR_RETURN(v1::AttendRequest request, ToRequest(inputs));
  request.set_return_weights(flags.weights || !flags.weights_output.empty());
  request.set_return_lse(flags.lse || !flags.lse_output.empty());
  ASSIGN_OR_RETURN(const v1::AttendResponse response,
                   session.Advise(session.client().Attend(request, session.call_options())));
  RETURN_IF_ERROR(Deliver(flags, response, console));
  return flags.check ? Check(inputs, response, console) : absl::OkStatus();
}

void AddTensorFlags(CLI::App* command, Flags* flags) {
  constexpr const char* kGroup = "Tensors";
  const auto add = [&](const char* name, std::string* place, const char* description) {
    command->add_option(name, *place, description)->option_text("FILE")->group(kGroup);
  };
  add("-i,--input", &flags->input, "file with tensors called query, key and value");
  add("-q,--query", &flags->query, "queries [B, H, Sq, D]");
  add("-k,--key", &flags->key, "keys [B, Hk, Sk, D]");
  add("-v,--value", &flags->value, "values [B, Hk, Sk, Dv]");
  add("--mask", &flags->mask, "bool, each dimension that of [B, H, Sq, Sk] or 1; true: visible");
  add("--bias", &flags->bias, "added to the scores; shape as of the mask");
  const std::map<std::string, DType> dtypes = {
      {"f32", DType::kF32}, {"f16", DType::kF16}, {"bf16", DType::kBF16}};
  command
      ->add_option_function<DType>(
          "--dtype", [flags](const DType& dtype) { flags->dtype = dtype; },
          "round query, key and value to f32, f16 or bf16")
      ->option_text("TYPE")
      ->transform(CLI::CheckedTransformer(dtypes).description(""))
      ->group(kGroup);
}

void AddOptionFlags(CLI::App* command, AttendInputs* options) {
  constexpr const char* kGroup = "Attention";
  command->add_flag("--causal", options->causal, "a query sees no later key")->group(kGroup);
  command->add_option("--window", options->window, "a query sees the last N keys only")
      ->option_text("N")
      ->check(CLI::PositiveNumber)
      ->group(kGroup);
  command->add_option("--scale", options->scale, "multiplies Q K^T (default 1 / sqrt(D))")
      ->option_text("X")
      ->group(kGroup);
  command->add_option("--softcap", options->softcap, "scores become X tanh(score / X)")
      ->option_text("X")
      ->check(CLI::PositiveNumber)
      ->group(kGroup);
  command->add_option("--kv-lengths", options->kv_lengths, "keys of each sequence that count")
      ->option_text("N,...")
      ->delimiter(',')
      ->check(CLI::NonNegativeNumber)
      ->group(kGroup);
}

void AddOutputFlags(CLI::App* command, Flags* flags) {
  constexpr const char* kGroup = "Output";
  const auto add_file = [&](const char* name, std::string* path, const char* description) {
    command->add_option(name, *path, description)->option_text("FILE")->group(kGroup);
  };
  add_file("-o,--output", &flags->output, "write the output to this .npy file");
  command->add_flag("--weights", flags->weights, "the weights too")->group(kGroup);
  add_file("--weights-output", &flags->weights_output, "write the weights to this .npy file");
  command->add_flag("--lse", flags->lse, "log of the sum of the exponentials of the scores too")
      ->group(kGroup);
  add_file("--lse-output", &flags->lse_output, "write it to this .npy file");
  command->add_flag("--check", flags->check, "compute the same here, in double, and compare")
      ->group(kGroup);
  command->add_flag("--json", flags->json, "print one JSON object")->group(kGroup);
}

}  // namespace

void AddAttendCommand(Program* program) {
  CLI::App* const command =
      program->AddCommand("attend", "Compute attention over your own tensors", kFooter);
  const auto flags = std::make_shared<Flags>();
  command->add_flag("--example", flags->example, "a small worked example, checked here");
  AddTensorFlags(command, flags.get());
  AddOptionFlags(command, &flags->options);
  AddOutputFlags(command, flags.get());
  command->callback([=] {
    const bool all_given = !flags->input.empty() ||
                           (!flags->query.empty() && !flags->key.empty() && !flags->value.empty());
    if (!flags->example && !all_given) {
      throw CLI::ValidationError("attend",
                                 "give --query, --key and --value, or --input, or --example");
    }
    program->run = [=] { return Run(*flags, *program); };
  });
}

}  // namespace attentiond::client
