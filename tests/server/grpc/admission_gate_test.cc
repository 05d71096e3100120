// Limits, accounting and draining of the admission gate.
#include "server/grpc/admission_gate.h"

#include <gtest/gtest.h>

#include <map>
#include <thread>
#include <utility>

#include "tests/testing/fake_metrics.h"

namespace attentiond {
namespace {

using testing::FakeMetrics;
using Refused = std::map<DropReason, int64_t>;

TEST(AdmissionGateTest, CountsRequests) {
  FakeMetrics metrics;
  AdmissionGate gate({.max_requests = 2, .max_bytes = 100}, Clock::Real(), &metrics);
  auto first = gate.Admit(0);
  ASSERT_TRUE(first.ok());
  auto second = gate.Admit(0);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(gate.Admit(0).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(metrics.refused(), (Refused{{DropReason::kQueueFull, 1}}));
  *first = AdmissionGate::Ticket();
  EXPECT_TRUE(gate.Admit(0).ok());
}

TEST(AdmissionGateTest, CountsBytes) {
  FakeMetrics metrics;
  AdmissionGate gate({.max_requests = 10, .max_bytes = 100}, Clock::Real(), &metrics);
  auto first = gate.Admit(60);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(gate.Admit(41).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(first->Reserve(40).ok());
  EXPECT_EQ(first->Reserve(1).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(gate.Admit(1).ok());
  EXPECT_EQ(metrics.refused(), (Refused{{DropReason::kQueueFull, 3}}));
  *first = AdmissionGate::Ticket();
  EXPECT_TRUE(gate.Admit(100).ok());
}

TEST(AdmissionGateTest, HugeReservationsDoNotOverflow) {
  FakeMetrics metrics;
  AdmissionGate gate({.max_requests = 10, .max_bytes = 100}, Clock::Real(), &metrics);
  auto ticket = gate.Admit(50);
  ASSERT_TRUE(ticket.ok());
  EXPECT_FALSE(ticket->Reserve(std::numeric_limits<int64_t>::max()).ok());
}

TEST(AdmissionGateTest, AMovedTicketIsReturnedOnce) {
  FakeMetrics metrics;
  AdmissionGate gate({.max_requests = 1, .max_bytes = 100}, Clock::Real(), &metrics);
  auto ticket = gate.Admit(10);
  ASSERT_TRUE(ticket.ok());
  {
    AdmissionGate::Ticket moved = *std::move(ticket);
    EXPECT_FALSE(gate.Admit(10).ok());
  }
  EXPECT_TRUE(gate.Admit(100).ok());
}

TEST(AdmissionGateTest, RefusesWhileDraining) {
  FakeMetrics metrics;
  AdmissionGate gate({}, Clock::Real(), &metrics);
  auto ticket = gate.Admit(10);
  ASSERT_TRUE(ticket.ok());
  gate.StartDraining();
  EXPECT_TRUE(gate.draining());
  EXPECT_EQ(gate.Admit(1).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(metrics.refused(), (Refused{{DropReason::kShutDown, 1}}));
  EXPECT_TRUE(ticket->Reserve(10).ok()) << "accepted work goes on";
  EXPECT_FALSE(gate.WaitUntilIdle(Clock::Real()->Now()));
}

TEST(AdmissionGateTest, WaitsForTheLastTicket) {
  FakeMetrics metrics;
  AdmissionGate gate({}, Clock::Real(), &metrics);
  auto ticket = gate.Admit(10);
  ASSERT_TRUE(ticket.ok());
  std::thread worker([held = *std::move(ticket)]() mutable { held = AdmissionGate::Ticket(); });
  EXPECT_TRUE(gate.WaitUntilIdle(absl::InfiniteFuture()));
  worker.join();
  EXPECT_TRUE(gate.WaitUntilIdle(absl::InfinitePast()));
}

}  // namespace
}  // namespace attentiond
