// server/inference/tokenize_request.h -- one request for the tokenizer alone.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/text/tokenizer.h"
#include "server/inference/call.h"
#include "server/inference/inference.h"
#include "server/repository/model_repository.h"

namespace attentiond {

/// Threads: Start() or Reject() is called once, by any thread.
class TokenizeRequest {
 public:
  struct Work {
    std::shared_ptr<LoadedModel> model;  ///< a text encoder with a tokenizer
    std::shared_ptr<Call> call;
    std::vector<EncodeInput> inputs;  ///< texts
    EncodeOptions options;
    TokenizeCallback done;
  };

  TokenizeRequest(Work work, Clock* clock);

  /// Tokenizes and answers.
  void Start();
  /// Answers without tokenizing, and counts the rows as dropped.
  void Reject(DropReason reason, const absl::Status& status);

 private:
  absl::Status TokenizeRows(std::vector<Encoding>* encodings, CallTiming* timing) const;

  Work work_;
  Clock* const clock_;
  const absl::Time created_;
};

}  // namespace attentiond
