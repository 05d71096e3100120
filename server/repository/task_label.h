// server/repository/task_label.h -- what the server calls the kinds of models.
#pragma once

#include "core/engine/model.h"

namespace attentiond {

/// "embedding", "translation": the label "task" of metrics and the field "kind" of logs.
const char* TaskLabel(ModelKind kind);

}  // namespace attentiond
