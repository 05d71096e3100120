#include "client/retry.h"

#include <gtest/gtest.h>

#include <vector>

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"
#include "tests/client/stepping_clock.h"

namespace attentiond::client {
namespace {

constexpr RetryOptions kOptions{.max_attempts = 4,
                                .initial_backoff = absl::Milliseconds(100),
                                .max_backoff = absl::Milliseconds(300),
                                .multiplier = 2,
                                .jitter = 0.5};

double Zero() { return 0; }
double Half() { return 0.5; }

absl::Status Shed(absl::Duration delay) {
  google::rpc::RetryInfo info;
  info.mutable_retry_delay()->set_seconds(absl::ToInt64Seconds(delay));
  info.mutable_retry_delay()->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(delay) % 1'000'000'000));
  absl::Status status = absl::ResourceExhaustedError("queue full");
  status.SetPayload("type.googleapis.com/google.rpc.RetryInfo",
                    absl::Cord(info.SerializeAsString()));
  return status;
}

std::optional<absl::Duration> Delay(int attempt, const absl::Status& status,
                                    absl::Duration left = absl::Hours(1),
                                    const RandomSource& random = Zero) {
  const absl::Time now = absl::UnixEpoch();
  return NextDelay(kOptions, attempt, status, now, now + left, random);
}

TEST(NextDelayTest, GrowsToTheCap) {
  const absl::Status down = absl::UnavailableError("down");
  EXPECT_EQ(Delay(1, down), absl::Milliseconds(100));
  EXPECT_EQ(Delay(2, down), absl::Milliseconds(200));
  EXPECT_EQ(Delay(3, down), absl::Milliseconds(300));
}

TEST(NextDelayTest, JitterOnlyStretches) {
  EXPECT_EQ(Delay(1, absl::UnavailableError("down"), absl::Hours(1), Half),
            absl::Milliseconds(125));
}

TEST(NextDelayTest, HonoursTheServersDelay) {
  EXPECT_EQ(Delay(1, Shed(absl::Seconds(2))), absl::Seconds(2));
  // Also past the cap of the backoff, and stretched by the jitter.
  EXPECT_EQ(Delay(1, Shed(absl::Milliseconds(1500)), absl::Hours(1), Half),
            absl::Milliseconds(1875));
  // A shorter one does not make this client more aggressive than its own backoff.
  EXPECT_EQ(Delay(3, Shed(absl::Milliseconds(1))), absl::Milliseconds(300));
}

TEST(NextDelayTest, GivesUp) {
  const absl::Status down = absl::UnavailableError("down");
  EXPECT_EQ(Delay(4, down), std::nullopt) << "attempts used up";
  EXPECT_EQ(Delay(1, down, absl::Milliseconds(100)), std::nullopt) << "ends at the deadline";
  EXPECT_NE(Delay(1, down, absl::Milliseconds(101)), std::nullopt);
  EXPECT_EQ(Delay(1, Shed(absl::Seconds(2)), absl::Seconds(1)), std::nullopt);
}

TEST(NextDelayTest, OnlyTransientCodesAreRetried) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "");
    const bool transient = absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
    EXPECT_EQ(Delay(1, status).has_value(), transient) << status;
  }
}

TEST(CallWithRetryTest, WaitsBetweenAttempts) {
  SteppingClock clock;
  const absl::Time start = clock.Now();
  std::vector<absl::Duration> times;
  const absl::Status status = CallWithRetry(kOptions, &clock, Zero, absl::InfiniteFuture(), [&] {
    times.push_back(clock.Now() - start);
    return times.size() < 3 ? absl::UnavailableError("down") : absl::OkStatus();
  });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(times, (std::vector<absl::Duration>{absl::ZeroDuration(), absl::Milliseconds(100),
                                                absl::Milliseconds(300)}));
}

TEST(CallWithRetryTest, ReturnsTheLastError) {
  SteppingClock clock;
  int attempts = 0;
  const absl::Status status = CallWithRetry(kOptions, &clock, Zero, absl::InfiniteFuture(), [&] {
    return ++attempts == 2 ? absl::ResourceExhaustedError("second")
                           : absl::UnavailableError(std::to_string(attempts));
  });
  EXPECT_EQ(attempts, 4);
  EXPECT_EQ(status, absl::UnavailableError("4"));
}

TEST(CallWithRetryTest, AFinalErrorIsNotRepeated) {
  SteppingClock clock;
  int attempts = 0;
  const absl::Status status = CallWithRetry(kOptions, &clock, Zero, absl::InfiniteFuture(), [&] {
    ++attempts;
    return absl::InvalidArgumentError("inputs[0].text");
  });
  EXPECT_EQ(attempts, 1);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
}

TEST(CallWithRetryTest, NeverWaitsPastTheDeadline) {
  SteppingClock clock;
  const absl::Time start = clock.Now();
  const absl::Time deadline = start + absl::Milliseconds(250);
  int attempts = 0;
  const absl::Status status = CallWithRetry(kOptions, &clock, Zero, deadline, [&] {
    ++attempts;
    clock.Advance(absl::Milliseconds(20));  // the attempt itself takes time
    return absl::UnavailableError("down");
  });
  // 20 ms, wait to 120, 140 ms; the next wait would end at 340.
  EXPECT_EQ(attempts, 2);
  EXPECT_EQ(clock.Now() - start, absl::Milliseconds(140));
  EXPECT_TRUE(absl::IsUnavailable(status));
}

TEST(SystemRandomTest, StaysInRangeAndVaries) {
  const RandomSource random = SystemRandom();
  const double first = random();
  bool varies = false;
  for (int i = 0; i < 100; ++i) {
    const double value = random();
    EXPECT_GE(value, 0);
    EXPECT_LT(value, 1);
    varies |= value != first;
  }
  EXPECT_TRUE(varies);
}

}  // namespace
}  // namespace attentiond::client
