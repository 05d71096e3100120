// server/flag_table.h -- every flag, once: its name, its help, how it is set and how it is shown.
//
// A new option is a field of ServerOptions (options.h) and a row in flag_table.cc.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/options.h"

namespace attentiond {

struct Flag {
  std::string name;        ///< "--max-batch-tokens"
  std::string group;       ///< its heading in --help
  std::string value = {};  ///< what stands for its value in --help; empty: a switch
  std::string help;        ///< one paragraph
  bool repeatable = false;
  /// Reads one value; the error's message does not repeat the flag's name.
  std::function<absl::Status(absl::string_view text, ServerOptions* options)> set = {};
  /// The value as one would write it.
  std::function<std::string(const ServerOptions& options)> show = {};

  /// "ATTENTIOND_MAX_BATCH_TOKENS"
  std::string EnvironmentName() const;
};

/// In the order of --help. Never changes.
const std::vector<Flag>& FlagTable();

}  // namespace attentiond
