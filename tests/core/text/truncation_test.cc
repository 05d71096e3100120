#include "core/text/truncation.h"

#include <gtest/gtest.h>

namespace attentiond {
namespace {

TEST(TruncationTest, LeavesWhatFits) {
  EXPECT_EQ(TruncateLongestFirst({3, 4}, 7, true), (SequenceLengths{3, 4}));
  EXPECT_EQ(TruncateLongestFirst({0, 0}, 0, true), (SequenceLengths{0, 0}));
}

TEST(TruncationTest, CutsATextAlone) {
  EXPECT_EQ(TruncateLongestFirst({9, 0}, 4, false), (SequenceLengths{4, 0}));
  EXPECT_EQ(TruncateLongestFirst({9, 0}, 0, false), (SequenceLengths{0, 0}));
}

TEST(TruncationTest, TheLongerGivesWay) {
  EXPECT_EQ(TruncateLongestFirst({9, 2}, 6, true), (SequenceLengths{4, 2}));
  EXPECT_EQ(TruncateLongestFirst({2, 9}, 6, true), (SequenceLengths{2, 4}));
  EXPECT_EQ(TruncateLongestFirst({200, 50}, 125, true), (SequenceLengths{75, 50}));
  EXPECT_EQ(TruncateLongestFirst({9, 0}, 6, true), (SequenceLengths{6, 0}));
}

TEST(TruncationTest, ThenBothGiveWay) {
  EXPECT_EQ(TruncateLongestFirst({9, 8}, 6, true), (SequenceLengths{3, 3}));
  EXPECT_EQ(TruncateLongestFirst({9, 9}, 0, true), (SequenceLengths{0, 0}));
}

TEST(TruncationTest, TheLongerKeepsTheOddToken) {
  EXPECT_EQ(TruncateLongestFirst({9, 8}, 7, true), (SequenceLengths{4, 3}));
  EXPECT_EQ(TruncateLongestFirst({8, 9}, 7, true), (SequenceLengths{3, 4}));
  EXPECT_EQ(TruncateLongestFirst({9, 9}, 7, true), (SequenceLengths{3, 4}));
}

TEST(TruncationTest, AlwaysFitsAndNeverGrows) {
  for (int64_t text = 0; text < 12; ++text) {
    for (int64_t pair = 0; pair < 12; ++pair) {
      for (int64_t max = 0; max < 24; ++max) {
        const SequenceLengths kept = TruncateLongestFirst({text, pair}, max, true);
        EXPECT_EQ(kept.text + kept.pair, std::min(text + pair, max));
        EXPECT_LE(kept.text, text);
        EXPECT_LE(kept.pair, pair);
      }
    }
  }
}

}  // namespace
}  // namespace attentiond
