#include "core/ops/attention_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "core/ops/attention_rows.h"
#include "tests/testing/attention_problem.h"

namespace attentiond {
namespace {

using testing::AttentionProblem;
using testing::AttentionShape;
using testing::OneSequence;

// Tasks of each unit, each head's in order.
std::vector<int64_t> TasksOfUnits(int64_t heads, int num_threads) {
  AttentionShape shape = OneSequence(512, 512);
  shape.heads = shape.kv_heads = heads;
  const AttentionProblem problem(shape);
  const AttentionOutputs outputs;
  const AttentionRows rows(problem.args(), outputs);
  const AttentionPlan plan(rows, DType::kF32, num_threads);
  std::vector<int64_t> tasks;
  int64_t last_head = -1, last_row = 0;
  for (int64_t unit = 0; unit < plan.num_units(); ++unit) {
    int64_t count = 0;
    plan.ForEachTask(unit, unit + 1, [&](const AttentionTask& task) {
      if (task.kv_head == last_head) {
        EXPECT_EQ(task.row_begin, last_row);
      } else {
        EXPECT_EQ(task.kv_head, last_head + 1);
        EXPECT_EQ(task.row_begin, 0);
      }
      last_head = task.kv_head;
      last_row = task.row_end;
      ++count;
    });
    tasks.push_back(count);
  }
  EXPECT_EQ(last_head, heads - 1);
  EXPECT_EQ(last_row, 512);
  return tasks;
}

// However threads take the units, none has more than its share.
TEST(AttentionPlanTest, EqualHeadsAreSharedEvenly) {
  for (const int num_threads : {1, 2, 3, 4}) {
    for (const int64_t heads : {12, 24, 48}) {
      SCOPED_TRACE(::testing::Message() << heads << " heads, " << num_threads << " threads");
      const std::vector<int64_t> tasks = TasksOfUnits(heads, num_threads);
      int64_t total = 0;
      for (const int64_t count : tasks) total += count;
      const auto units = static_cast<int64_t>(tasks.size());
      const int64_t units_a_thread = (units + num_threads - 1) / num_threads;
      EXPECT_LE(*std::max_element(tasks.begin(), tasks.end()) * units_a_thread,
                (total + num_threads - 1) / num_threads);
    }
  }
}

}  // namespace
}  // namespace attentiond
