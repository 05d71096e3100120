// core/ops/execution_context.h -- what an op runs on: threads, scratch memory, micro-kernels.
#pragma once

#include <memory>

#include "core/parallel/thread_pool.h"

namespace attentiond {

namespace onednn {
class Context;
}
class Workspace;

/// Owned by an executor and passed to every op. Threads: one call at a time per context.
class ExecutionContext {
 public:
  /// `threads` is borrowed and must outlive the context.
  explicit ExecutionContext(ThreadPool* threads);
  ~ExecutionContext();

  ThreadPool& threads() { return *threads_; }
  /// Grow-only scratch memory; see core/ops/workspace.h.
  Workspace& workspace() { return *workspace_; }
  /// The micro-kernels made so far; core/ops only.
  onednn::Context& onednn() { return *onednn_; }

 private:
  ThreadPool* const threads_;
  std::unique_ptr<Workspace> workspace_;
  std::unique_ptr<onednn::Context> onednn_;
};

}  // namespace attentiond
