#include "server/results/in_flight_rows.h"

#include <gtest/gtest.h>

namespace attentiond {
namespace {

class NobodyWaits final : public WaitingRow {
 public:
  void TakeResult(const EncoderRowResult&, const BatchOutcome&) override {}
  void StartAgain() override {}
};

std::unique_ptr<WaitingRow> NewRow() { return std::make_unique<NobodyWaits>(); }

TEST(InFlightRowsTest, TheFirstFliesAndTheOthersJoinIt) {
  InFlightRows rows;
  EXPECT_FALSE(rows.Join("a", NewRow()));
  EXPECT_TRUE(rows.Join("a", NewRow()));
  EXPECT_FALSE(rows.Join("b", NewRow()));
  EXPECT_TRUE(rows.Join("a", NewRow()));
  EXPECT_EQ(rows.TakeOut("a").size(), 2u);
  EXPECT_EQ(rows.TakeOut("b").size(), 0u);
}

TEST(InFlightRowsTest, AFlightThatEndedIsJoinedByNobody) {
  InFlightRows rows;
  EXPECT_FALSE(rows.Join("a", NewRow()));
  EXPECT_EQ(rows.TakeOut("a").size(), 0u);
  EXPECT_EQ(rows.TakeOut("a").size(), 0u);
  EXPECT_FALSE(rows.Join("a", NewRow()));
}

}  // namespace
}  // namespace attentiond
