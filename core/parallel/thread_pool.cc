#include "core/parallel/thread_pool.h"

#include <algorithm>
#include <atomic>

#include "core/base/check.h"
#include "core/parallel/task_arena.h"

namespace attentiond {
namespace {

// More ranges than threads, so that a thread that finishes early takes over from one that is slow.
constexpr int64_t kRangesPerThread = 4;

// oneTBB orders a loop's bodies after what came before the loop and before what comes after it, but
// in a library that ThreadSanitizer does not see. Releasing and acquiring this counter says the
// same in code that it does see. Constant-initialised, so that no constructor's write races with
// it.
std::atomic<uint64_t> handshake{0};

// The body that this thread is in: its pool and its index there.
struct Position {
  const void* pool = nullptr;
  int thread = 0;
};
thread_local Position position;

// Sets `position` for a scope.
class BodyScope {
 public:
  BodyScope(const void* pool, int thread) : outer_(position) { position = {pool, thread}; }
  ~BodyScope() { position = outer_; }
  BodyScope(const BodyScope&) = delete;
  BodyScope& operator=(const BodyScope&) = delete;

 private:
  const Position outer_;
};

struct Loop {
  const void* pool;
  int64_t count;
  int64_t num_ranges;
  absl::FunctionRef<void(int64_t, int64_t, int)> body;
};

void RunRange(const void* state, int64_t index, int thread) {
  handshake.load(std::memory_order_acquire);
  const Loop& loop = *static_cast<const Loop*>(state);
  // The first `longer` ranges have one iteration more than the rest.
  const int64_t length = loop.count / loop.num_ranges, longer = loop.count % loop.num_ranges;
  const int64_t begin = index * length + std::min(index, longer);
  {
    const BodyScope scope(loop.pool, thread);
    loop.body(begin, begin + length + (index < longer ? 1 : 0), thread);
  }
  handshake.fetch_add(1, std::memory_order_release);
}

}  // namespace

struct ThreadPool::Impl {
  explicit Impl(int num_threads) : arena(num_threads) {}
  TaskArena arena;
};

ThreadPool::ThreadPool(int num_threads) : num_threads_(num_threads) {
  ATTENTIOND_CHECK(num_threads >= 1);
  if (num_threads > 1) impl_ = std::make_unique<Impl>(num_threads);
}

ThreadPool::~ThreadPool() = default;

void ThreadPool::ParallelFor(int64_t count, int64_t grain,
                             absl::FunctionRef<void(int64_t, int64_t, int)> body) {
  if (count <= 0) return;
  if (position.pool == this) {
    body(0, count, position.thread);
    return;
  }
  const int64_t num_ranges = std::min(count / grain, kRangesPerThread * num_threads_);
  if (impl_ == nullptr || num_ranges <= 1) {
    const BodyScope scope(this, 0);
    body(0, count, 0);
    return;
  }
  const Loop loop{this, count, num_ranges, body};
  handshake.fetch_add(1, std::memory_order_release);
  impl_->arena.Run(num_ranges, &RunRange, &loop);
  handshake.load(std::memory_order_acquire);
}

bool ThreadPool::InParallelFor() const { return position.pool == this; }

}  // namespace attentiond
