// Real sockets of the loopback interface.
#include "server/grpc/connection_acceptor.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/mutex.h"

namespace attentiond {
namespace {

using ::testing::HasSubstr;

/// A connected socket, or -1.
int Connect(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<in_port_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) return fd;
  close(fd);
  return -1;
}

ListeningSockets MustOpen(const std::string& address) {
  auto sockets = ListeningSockets::Open(address);
  EXPECT_TRUE(sockets.ok()) << sockets.status();
  return *std::move(sockets);
}

TEST(ListeningSocketsTest, EveryKindOfAddress) {
  for (const char* address : {"127.0.0.1:0", "0.0.0.0:0", "[::]:0", "localhost:0"}) {
    const ListeningSockets sockets = MustOpen(address);
    EXPECT_GT(sockets.port(), 0) << address;
    const int fd = Connect(sockets.port());
    EXPECT_GE(fd, 0) << address;
    close(fd);
  }
}

TEST(ListeningSocketsTest, ErrorsNameTheAddressAndTheReason) {
  const ListeningSockets first = MustOpen("127.0.0.1:0");
  const std::string taken = absl::StrCat("127.0.0.1:", first.port());
  const absl::Status in_use = ListeningSockets::Open(taken).status();
  EXPECT_EQ(in_use.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(in_use.message()), HasSubstr(taken));
  EXPECT_THAT(std::string(in_use.message()), HasSubstr("in use"));
  EXPECT_EQ(ListeningSockets::Open("192.0.2.1:0").status().code(),
            absl::StatusCode::kUnavailable)
      << "not an address of this machine";
  EXPECT_EQ(ListeningSockets::Open("no port").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ListeningSocketsTest, APortIsFreeAgainWhenTheyAreClosed) {
  int port = 0;
  {
    ListeningSockets first = MustOpen("127.0.0.1:0");
    port = first.port();
    const ListeningSockets moved = std::move(first);
    EXPECT_EQ(moved.port(), port);
  }
  MustOpen(absl::StrCat("127.0.0.1:", port));
}

/// Keeps what is accepted, counts what is refused.
class ConnectionAcceptorTest : public ::testing::Test {
 protected:
  std::unique_ptr<ConnectionAcceptor> Start(int max_connections) {
    ListeningSockets sockets = MustOpen("127.0.0.1:0");
    port_ = sockets.port();
    return std::make_unique<ConnectionAcceptor>(
        std::move(sockets),
        ConnectionAcceptor::Options{.max_connections = max_connections,
                                    .on_refused = [this] { Count(-1); }},
        [this](int, int fd) { Count(fd); });
  }
  ~ConnectionAcceptorTest() override {
    for (const int fd : accepted_) close(fd);
  }

  void WaitFor(size_t accepted, int refused) {
    MutexLock lock(&mutex_);
    while (accepted_.size() < accepted || refused_ < refused) changed_.Wait(&mutex_);
    EXPECT_EQ(accepted_.size(), accepted);
    EXPECT_EQ(refused_, refused);
  }
  void CloseOneAccepted() {
    MutexLock lock(&mutex_);
    close(accepted_.back());
    accepted_.pop_back();
  }

  int port_ = 0;

 private:
  void Count(int fd) {
    MutexLock lock(&mutex_);
    if (fd < 0) {
      ++refused_;
    } else {
      accepted_.push_back(fd);
    }
    changed_.SignalAll();
  }

  Mutex mutex_;
  CondVar changed_;
  std::vector<int> accepted_ ABSL_GUARDED_BY(mutex_);
  int refused_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST_F(ConnectionAcceptorTest, HandsConnectionsOver) {
  const auto acceptor = Start(100);
  const int first = Connect(port_), second = Connect(port_);
  WaitFor(2, 0);
  close(first);
  close(second);
}

TEST_F(ConnectionAcceptorTest, ClosesWhatIsTooMuchAndAcceptsAgainLater) {
  // The client's ends count too, as descriptors of the same process: 2 connections are 4.
  const auto acceptor = Start(4);
  std::vector<int> clients;
  for (int i = 0; i < 2; ++i) clients.push_back(Connect(port_));
  WaitFor(2, 0);
  clients.push_back(Connect(port_));
  WaitFor(2, 1);
  char byte = 0;
  EXPECT_LE(read(clients.back(), &byte, 1), 0) << "closed";
  close(clients.back());
  CloseOneAccepted();
  clients.back() = Connect(port_);
  WaitFor(2, 1);
  for (const int fd : clients) close(fd);
}

TEST_F(ConnectionAcceptorTest, NothingIsAcceptedAfterItsEnd) {
  auto acceptor = Start(100);
  acceptor = nullptr;
  EXPECT_EQ(Connect(port_), -1);
}

}  // namespace
}  // namespace attentiond
