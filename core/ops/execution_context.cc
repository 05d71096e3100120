#include "core/ops/execution_context.h"

#include "core/onednn/context.h"
#include "core/ops/processor.h"
#include "core/ops/workspace.h"

namespace attentiond {

ExecutionContext::ExecutionContext(ThreadPool* threads)
    : threads_(threads),
      workspace_(std::make_unique<Workspace>()),
      onednn_(std::make_unique<onednn::Context>()) {
  MatchVectorIsa();
}

ExecutionContext::~ExecutionContext() = default;

}  // namespace attentiond
