// client/commands/text_flags.h -- what classify, embed, explain and tokenize have in common: a
// model and texts, sent in chunks.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/commands/session.h"
#include "client/commands/text_source.h"
#include "core/base/status_macros.h"

namespace attentiond::client {

struct TextFlags {
  std::string model, model_version;
  TextSource::Options source;
  bool truncate = false;
  bool truncate_left = false;  ///< the beginning instead of the end
  bool json = false;
};

void AddTextFlags(CLI::App* app, TextFlags* flags);

/// kInvalidArgument when --pairs is given to a command that takes single texts.
absl::Status RefusePairs(const TextFlags& flags);

/// A request for a chunk: model, version, inputs, truncate.
template <typename Request>
Request MakeTextRequest(const TextFlags& flags, const TextChunk& chunk) {
  Request request;
  request.set_model(flags.model);
  request.set_model_version(flags.model_version);
  request.set_truncate(flags.truncate);
  if (flags.truncate_left) request.set_truncation_side(v1::TRUNCATION_SIDE_LEFT);
  for (const TextRow& row : chunk.rows) {
    auto* const input = request.add_inputs();
    input->set_text(row.text);
    if (row.pair) input->set_text_pair(*row.pair);
  }
  return request;
}

/// What a server that answers must answer: one result for each row.
template <typename Response>
absl::StatusOr<Response> OneResultPerRow(absl::StatusOr<Response> response,
                                         const TextChunk& chunk) {
  if (response.ok() && static_cast<size_t>(response->results_size()) != chunk.rows.size()) {
    return absl::InternalError(absl::StrCat("the server sent ", response->results_size(),
                                            " results for ", chunk.rows.size(), " texts"));
  }
  return response;
}

/// Calls `handle` with one chunk after the other, in order, until the texts end, `handle` fails or
/// console->out can no longer be written. An error of a chunk says which rows it held.
absl::Status ForEachChunk(const TextFlags& flags, const Console& console,
                          const std::function<absl::Status(const TextChunk& chunk)>& handle);

}  // namespace attentiond::client
