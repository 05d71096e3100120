#include "core/parallel/task_arena.h"

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

namespace attentiond {

struct TaskArena::Impl {
  explicit Impl(int num_slots) : arena(num_slots, /*reserved_for_masters=*/1) {}
  tbb::task_arena arena;
};

TaskArena::TaskArena(int num_slots) : impl_(std::make_unique<Impl>(num_slots)) {}
TaskArena::~TaskArena() = default;

void TaskArena::Run(int64_t num_tasks, Task task, const void* state) {
  impl_->arena.execute([=] {
    tbb::parallel_for(
        tbb::blocked_range<int64_t>(0, num_tasks),
        [=](const tbb::blocked_range<int64_t>& range) {
          const int slot = tbb::this_task_arena::current_thread_index();
          for (int64_t index = range.begin(); index < range.end(); ++index) {
            task(state, index, slot);
          }
        },
        tbb::simple_partitioner());
  });
}

}  // namespace attentiond
