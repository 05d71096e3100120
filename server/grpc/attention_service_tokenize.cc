// server/grpc/attention_service_tokenize.cc -- Tokenize: texts to tokens, without running a model.
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/grpc/attention_service_conversion.h"
#include "server/grpc/attention_service_handlers.h"
#include "server/grpc/attention_service_models.h"
#include "server/inference/field_error.h"

namespace attentiond {
namespace {

// Of all inputs together. Nothing is cut off here, so that this bounds what tokenizing takes.
constexpr int64_t kMaxTextBytes = int64_t{16} << 20;
constexpr int64_t kMaxTokens = int64_t{1} << 20;
constexpr int64_t kTokenBytes = 96;  ///< a Token in memory, and its part of the reply

absl::Status CheckTexts(const std::vector<EncodeInput>& inputs) {
  size_t bytes = 0;
  for (const EncodeInput& input : inputs) {
    bytes += input.text.size() + input.text_pair.value_or(absl::string_view()).size();
  }
  if (bytes <= size_t{kMaxTextBytes}) return absl::OkStatus();
  return FieldError("inputs", absl::StrCat(bytes, " bytes of text, required at most ",
                                           kMaxTextBytes, " in one call"));
}

absl::Status CheckTokens(const std::vector<Encoding>& encodings, AdmissionGate::Ticket& ticket) {
  int64_t tokens = 0;
  for (const Encoding& encoding : encodings) tokens += encoding.size();
  if (tokens <= kMaxTokens) return ticket.Reserve(tokens * kTokenBytes);
  return FieldError("inputs",
                    absl::StrCat(tokens, " tokens, required at most ", kMaxTokens, " in one call"));
}

absl::Status SetResults(const std::vector<Encoding>& encodings, const Tokenizer& tokenizer,
                        const v1::TokenizeRequest& request, v1::TokenizeResponse* response) {
  for (size_t i = 0; i < encodings.size(); ++i) {
    const Encoding& encoding = encodings[i];
    v1::Tokenization* const result = response->add_results();
    AddTokens(encoding, request.inputs(static_cast<int>(i)), tokenizer, result->mutable_tokens());
    result->set_truncated_tokens(encoding.truncated_tokens);
    if (request.decode()) {
      ASSIGN_OR_RETURN(std::string text,
                       tokenizer.Decode(encoding.ids, request.skip_special_tokens()));
      result->set_decoded(std::move(text));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status StartTokenize(const TokenizeCall::Pointer& call) {
  const v1::TokenizeRequest& request = call->request;
  ASSIGN_OR_RETURN(const auto model, FindModel(call->environment, call->reactor, kTokenizeNeed,
                                               request.model(), request.model_version()));
  ASSIGN_OR_RETURN(std::vector<EncodeInput> inputs, ToEncodeInputs(request.inputs()));
  RETURN_IF_ERROR(CheckTexts(inputs));

  EncodeOptions options;
  if (request.has_add_special_tokens()) options.add_special_tokens = request.add_special_tokens();
  options.truncate = request.truncate();
  ASSIGN_OR_RETURN(options.truncation_side, ToTruncationSide(request.truncation_side()));
  if (options.truncate) options.max_length = model->model->info().max_length;
  call->response.set_model_version(model->version);
  call->environment.inference->Tokenize(
      model, call->reactor->call(), std::move(inputs), options,
      [call, model](absl::Status status, std::vector<Encoding> encodings,
                    const CallTiming& timing) {
        if (status.ok()) status = CheckTokens(encodings, call->reactor->ticket());
        if (status.ok()) {
          status = SetResults(encodings, *model->model->AsTextEncoder()->tokenizer(), call->request,
                              &call->response);
        }
        if (!status.ok()) return call->Reply(InInputs(call->request.inputs(), status));
        call->Finish(static_cast<int64_t>(encodings.size()), timing);
      });
  return absl::OkStatus();
}

}  // namespace attentiond
