#include "server/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace attentiond {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(OptionsTest, DefaultsAreValid) { EXPECT_THAT(Validate({}), IsEmpty()); }

struct Case {
  const char* name;
  std::function<void(ServerOptions&)> change;
  const char* problem;  ///< part of the one problem; nullptr: valid
};

class ValidateTest : public testing::TestWithParam<Case> {};

TEST_P(ValidateTest, SaysWhatIsWrong) {
  ServerOptions options;
  GetParam().change(options);
  if (GetParam().problem == nullptr) {
    EXPECT_THAT(Validate(options), IsEmpty());
  } else {
    EXPECT_THAT(Validate(options), ElementsAre(HasSubstr(GetParam().problem)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Fields, ValidateTest,
    testing::Values(
        Case{"ModelNames",
             [](auto& o) {
               o.models = {{"a-b_c.9", "/m"}};
             },
             nullptr},
        Case{"ModelNameWithSlash",
             [](auto& o) {
               o.models = {{"../a", "/m"}};
             },
             "\"../a\""},
        Case{"ModelNameEmpty",
             [](auto& o) {
               o.models = {{"", "/m"}};
             },
             "the name \"\""},
        Case{"ModelNameLong",
             [](auto& o) {
               o.models = {{std::string(129, 'a'), "/m"}};
             },
             "128"},
        Case{"ModelNameBuiltIn",
             [](auto& o) {
               o.models = {{"attention", "/m"}};
             },
             "built-in"},
        Case{"ModelDirectoryEmpty",
             [](auto& o) {
               o.models = {{"a", ""}};
             },
             "--model a"},
        Case{"Listen", [](auto& o) { o.listen = "8001"; }, "--listen: \"8001\""},
        Case{"ListenEmpty", [](auto& o) { o.listen = ""; }, "--listen: \"\""},
        Case{"MetricsListen", [](auto& o) { o.metrics_listen = "x:y"; }, "--metrics-listen"},
        Case{"HealthListen", [](auto& o) { o.health_listen = "x:y"; }, "--health-listen"},
        Case{"SameAddress", [](auto& o) { o.metrics_listen = o.listen; },
             "--listen and --metrics-listen are both 0.0.0.0:8001"},
        Case{"SamePortZero", [](auto& o) { o.listen = o.metrics_listen = "localhost:0"; }, nullptr},
        Case{"KeyWithoutCert", [](auto& o) { o.tls_key = "k"; }, "--tls-key needs --tls-cert"},
        Case{"CertWithoutKey", [](auto& o) { o.tls_cert = "c"; }, "--tls-cert needs --tls-key"},
        Case{"ClientCaAlone", [](auto& o) { o.tls_client_ca = "a"; }, "--tls-client-ca needs"},
        Case{"MutualTls", [](auto& o) { o.tls_cert = o.tls_key = o.tls_client_ca = "f"; }, nullptr},
        Case{"Threads", [](auto& o) { o.threads = 1025; }, "--threads is 1025: use 0 to 1024"},
        Case{"BatchTokens", [](auto& o) { o.max_batch_tokens = 0; }, "--max-batch-tokens is 0"},
        Case{"BatchRequests", [](auto& o) { o.max_batch_requests = 0; }, "--max-batch-requests"},
        Case{"QueueRequests", [](auto& o) { o.max_queue_requests = 0; }, "--max-queue-requests"},
        Case{"MessageSmall", [](auto& o) { o.max_message_bytes = 1023; }, "--max-message-bytes"},
        Case{"KvCacheSmall", [](auto& o) { o.kv_cache_bytes = 1023; }, "--kv-cache-bytes is 1023"},
        Case{"NewTokensNegative", [](auto& o) { o.max_new_tokens = -1; }, "--max-new-tokens is -1"},
        Case{"ImageSmall", [](auto& o) { o.max_image_bytes = 1023; }, "--max-image-bytes is 1023"},
        Case{"ImageLarge", [](auto& o) { o.max_image_bytes = int64_t{1} << 31; },
             "--max-image-bytes is 2GiB"},
        Case{"NoPixels", [](auto& o) { o.max_image_pixels = 0; }, "--max-image-pixels is 0"},
        Case{"ManyPixels", [](auto& o) { o.max_image_pixels = (int64_t{1} << 30) + 1; },
             "--max-image-pixels is 1073741825"},
        Case{"MessageLargest", [](auto& o) { o.max_message_bytes = 2147483647; }, nullptr},
        Case{"MessageLarge", [](auto& o) { o.max_message_bytes = int64_t{1} << 31; },
             "--max-message-bytes is 2GiB"},
        Case{"QueueDelay", [](auto& o) { o.max_queue_delay = absl::Seconds(11); },
             "--max-queue-delay is 11s"},
        Case{"Poll", [](auto& o) { o.model_repository_poll = absl::Seconds(1); },
             "--model-repository-poll needs --model-repository"},
        Case{"Metadata", [](auto& o) { o.max_metadata_bytes = 1; },
             "--max-metadata-bytes is 1B: use 1KiB to 1MiB"},
        Case{"InFlightBytes", [](auto& o) { o.max_in_flight_bytes = -1; }, "--max-in-flight-bytes"},
        Case{"InFlightRequests", [](auto& o) { o.max_in_flight_requests = 0; },
             "--max-in-flight-requests is 0"},
        Case{"AccessLog", [](auto& o) { o.access_log = -1; }, "--access-log is -1"},
        Case{"Connections", [](auto& o) { o.max_connections = 0; }, "--max-connections is 0"},
        Case{"ConnectionCalls", [](auto& o) { o.max_connection_calls = 0; },
             "--max-connection-calls is 0"},
        Case{"ConnectionIdle", [](auto& o) { o.max_connection_idle = absl::ZeroDuration(); },
             "--max-connection-idle is 0"},
        Case{"KeepaliveTime", [](auto& o) { o.keepalive_time = absl::ZeroDuration(); },
             "--keepalive-time is 0"},
        Case{"KeepaliveTimeout", [](auto& o) { o.keepalive_timeout = absl::Hours(1000); },
             "--keepalive-timeout is 1000h"},
        Case{"DrainAtOnce", [](auto& o) { o.drain_timeout = absl::ZeroDuration(); }, nullptr},
        Case{"DrainLong", [](auto& o) { o.drain_timeout = absl::Hours(25); }, "--drain-timeout"}),
    [](const auto& test) { return test.param.name; });

TEST(OptionsTest, MessagesInFlightLeaveMostOfAContainersMemory) {
  EXPECT_EQ(DefaultInFlightBytes(0), int64_t{4} << 30);
  EXPECT_EQ(DefaultInFlightBytes(int64_t{1} << 30), int64_t{256} << 20);
  EXPECT_EQ(DefaultInFlightBytes(int64_t{1} << 40), int64_t{4} << 30);
}

TEST(OptionsTest, ReportsEveryProblemAtOnce) {
  ServerOptions options;
  options.listen = "nowhere";
  options.tls_key = "key.pem";
  options.max_batch_tokens = 0;
  EXPECT_THAT(Validate(options), ElementsAre(HasSubstr("--listen"), HasSubstr("--tls-key"),
                                             HasSubstr("--max-batch-tokens")));
}

}  // namespace
}  // namespace attentiond
