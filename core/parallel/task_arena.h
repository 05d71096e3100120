// core/parallel/task_arena.h -- oneTBB, behind one function; ThreadPool is the interface to use.
#pragma once

#include <cstdint>
#include <memory>

namespace attentiond {

/// A oneTBB arena of a fixed number of slots; the thread that calls Run() takes one of them.
class TaskArena {
 public:
  /// Runs one task. `slot` is in [0, num_slots) and no two tasks that run at once have the same.
  using Task = void (*)(const void* state, int64_t index, int slot);

  explicit TaskArena(int num_slots);
  ~TaskArena();

  /// Runs task(state, index, slot) for every index in [0, num_tasks), in any order, and returns
  /// when all are done.
  void Run(int64_t num_tasks, Task task, const void* state);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace attentiond
