#include "core/ops/attention_plan.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace attentiond {
namespace {

// Tasks for each thread, so that one that finishes early takes over another's.
constexpr int64_t kTasksPerThread = 4;
// A task packs its keys and values again: fewer rows than this are not worth it.
constexpr int64_t kMinTaskRows = 128;
// Some 20 us: less is not worth another thread.
constexpr double kMinUnitCycles = 60e3;

int64_t RoundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// The number of units, up to `most`, that leaves threads waiting for each other least: tasks are
// not divided, and threads take whole units.
int64_t EvenUnits(int64_t tasks, int64_t most, int64_t num_threads) {
  int64_t best = most, least = std::numeric_limits<int64_t>::max();
  for (int64_t units = most; units >= std::max<int64_t>(1, most / 2); --units) {
    const int64_t longest = (tasks + units - 1) / units * ((units + num_threads - 1) / num_threads);
    if (longest < least) least = longest, best = units;
  }
  return best;
}

}  // namespace

AttentionPlan::AttentionPlan(const AttentionRows& rows, DType compute, int num_threads)
    : rows_(rows), compute_(compute) {
  int64_t max_rows = 1, total_rows = 0;
  for (int64_t b = 0; b < rows.args().batch; ++b) {
    const int64_t num_rows = rows.num_rows(b);
    if (num_rows == 0) continue;
    const int64_t chunks = NumChunks(b);
    has_few_ |= chunks > 0;
    if (chunks > 1) num_partials_ += chunks * rows.args().num_kv_heads;
    if (chunks > 0) continue;
    has_blocks_ = true;
    max_rows = std::max(max_rows, num_rows);
    total_rows += num_rows * rows.args().num_kv_heads;
  }
  const int64_t share = total_rows / (kTasksPerThread * num_threads);
  task_rows_ = RoundUp(std::clamp(share, std::min(kMinTaskRows, max_rows), max_rows),
                       SoftmaxState::kMaxRows);
  MakeUnits(num_threads);
}

int64_t AttentionPlan::NumChunks(int64_t sequence) const {
  if (!IsFew(rows_.num_rows(sequence))) return 0;
  // Weights are scaled by the whole row's sum: they are wanted of short rows, if at all.
  if (rows_.outputs().weights != nullptr) return 1;
  return std::max<int64_t>(1, (rows_.num_keys(sequence) + kChunkKeys - 1) / kChunkKeys);
}

int64_t AttentionPlan::TasksPerHead(int64_t sequence) const {
  const int64_t num_rows = rows_.num_rows(sequence);
  if (num_rows == 0) return 0;
  const int64_t chunks = NumChunks(sequence);
  return chunks > 0 ? chunks : (num_rows + task_rows_ - 1) / task_rows_;
}

// Roughly, from the benchmarks' rates; only how tasks compare with each other matters much.
double AttentionPlan::CyclesPerTask(int64_t sequence) const {
  const auto channels = static_cast<double>(rows_.args().head_dim + rows_.args().value_dim);
  const auto keys = static_cast<double>(rows_.num_keys(sequence));
  const auto num_rows = static_cast<double>(rows_.num_rows(sequence));
  const int64_t chunks = NumChunks(sequence);
  if (chunks > 0) return 200 + 0.12 * num_rows * keys * channels / static_cast<double>(chunks);
  const double per_score = compute_ == DType::kBF16 ? channels / 300 + 0.5 : channels / 25 + 0.7;
  const double packing = 0.15 * keys * channels;
  return 500 + (std::max(num_rows, 16.0) * keys * per_score + packing) /
                   static_cast<double>(TasksPerHead(sequence));
}

void AttentionPlan::Skip(Position* position) const {
  const int64_t heads = rows_.args().num_kv_heads, chunks = NumChunks(position->sequence);
  position->first_index += heads * TasksPerHead(position->sequence);
  if (chunks > 1) position->first_partial += heads * chunks;
  position->index = position->first_index;
  ++position->sequence;
}

void AttentionPlan::MakeUnits(int num_threads) {
  const int64_t batch = rows_.args().batch, heads = rows_.args().num_kv_heads;
  double total = 0;
  int64_t num_tasks = 0;
  const auto cycles = [&](int64_t b) {
    return static_cast<double>(heads * TasksPerHead(b)) * CyclesPerTask(b);
  };
  for (int64_t b = 0; b < batch; ++b) {
    total += cycles(b);
    num_tasks += heads * TasksPerHead(b);
  }
  const auto most = std::min<int64_t>(kMaxUnits, kTasksPerThread * num_threads);
  num_units_ = EvenUnits(num_tasks,
                         std::clamp<int64_t>(static_cast<int64_t>(total / kMinUnitCycles), 1, most),
                         num_threads);

  const double share = total / static_cast<double>(num_units_);
  double before = 0;
  int64_t unit = 0;
  Position position;
  for (; position.sequence < batch; Skip(&position)) {
    const int64_t tasks = heads * TasksPerHead(position.sequence);
    const double each = CyclesPerTask(position.sequence),
                 after = before + cycles(position.sequence);
    for (; unit < num_units_ && static_cast<double>(unit) * share < after; ++unit) {
      // Less what rounding may have added to a whole number.
      const double skipped = std::ceil((static_cast<double>(unit) * share - before) / each - 1e-6);
      Position begin = position;
      begin.index += std::clamp<int64_t>(static_cast<int64_t>(skipped), 0, tasks - 1);
      units_[static_cast<size_t>(unit)] = begin;
    }
    before = after;
  }
  for (; unit <= num_units_; ++unit) units_[static_cast<size_t>(unit)] = position;
}

AttentionTask AttentionPlan::TaskAt(const Position& position) const {
  AttentionTask task;
  task.sequence = position.sequence;
  if (position.sequence == rows_.args().batch) return task;
  const int64_t per_head = TasksPerHead(task.sequence),
                local = position.index - position.first_index;
  if (per_head == 0) return task;
  const int64_t num_rows = rows_.num_rows(task.sequence);
  task.kv_head = local / per_head;
  task.num_chunks = NumChunks(task.sequence);
  task.few = task.num_chunks > 0;
  task.partial = position.first_partial + (task.num_chunks > 1 ? local : 0);
  if (task.few) {
    task.chunk = local % per_head;
    task.row_end = num_rows;
  } else {
    task.row_begin = local % per_head * task_rows_;
    task.row_end = std::min(num_rows, task.row_begin + task_rows_);
  }
  return task;
}

void AttentionPlan::Advance(AttentionTask* task) const {
  const int64_t num_rows = rows_.num_rows(task->sequence);
  if (task->few && task->chunk + 1 < task->num_chunks) {
    ++task->chunk;
    ++task->partial;
    return;
  }
  if (!task->few && task->row_end < num_rows) {
    task->row_begin = task->row_end;
    task->row_end = std::min(num_rows, task->row_begin + task_rows_);
    return;
  }
  const bool divided = task->num_chunks > 1;
  const int64_t next_partial = task->partial + (divided ? 1 : 0);
  Position next;
  next.sequence = task->sequence;
  next.index = (task->kv_head + 1) * TasksPerHead(task->sequence);
  if (task->kv_head + 1 == rows_.args().num_kv_heads) {
    next.index = 0;
    do {
      ++next.sequence;
    } while (next.sequence < rows_.args().batch && rows_.num_rows(next.sequence) == 0);
  }
  const bool same = next.sequence == task->sequence;
  next.first_partial = same && divided ? next_partial - next.index : next_partial;
  *task = TaskAt(next);
}

}  // namespace attentiond
