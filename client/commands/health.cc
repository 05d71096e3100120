// client/commands/health.cc -- attention-client health: is the server, or a model, serving?
#include <climits>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/commands/commands.h"
#include "core/base/prefixed_status.h"
#include "core/base/status_macros.h"
#include "grpc/health/v1/health.grpc.pb.h"

namespace attentiond::client {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

constexpr char kFooter[] =
    R"(Asks grpc.health.v1.Health: exit code 0 when it is serving, 1 when not. Made for the
health checks of containers; needs no token.

Examples:
  attention-client health --timeout 2
  attention-client health --model sentiment
  attention-client health --wait --timeout 120 && echo the server is up
  HEALTHCHECK CMD ["attention-client", "health", "--timeout", "2"]      (in a Dockerfile))";

struct Flags {
  std::string model;
};

// One question. kUnavailable: it answers, but is not serving.
absl::Status Check(const Flags& flags, const Session& session, Health::Stub* stub) {
  HealthCheckRequest request;
  request.set_service(flags.model);
  const UnaryCaller caller(session.caller_options());
  ASSIGN_OR_RETURN(
      const HealthCheckResponse response,
      session.Advise(caller.Call(stub, &Health::Stub::Check, request, session.call_options())));
  if (response.status() == HealthCheckResponse::SERVING) return absl::OkStatus();
  return absl::UnavailableError("not serving");
}

absl::Status Run(const Flags& flags, const Program& program) {
  ASSIGN_OR_RETURN(const Session session, Session::Open(program.connection, *program.console));
  const std::unique_ptr<Health::Stub> stub = Health::NewStub(session.channel());
  RetryOptions asking;
  asking.max_attempts = program.connection.wait ? INT_MAX : 1;
  asking.multiplier = 1;
  Clock* const clock = Clock::Real();
  const absl::Time deadline = clock->Now() + session.call_options().timeout;
  const absl::Status status = CallWithRetry(asking, clock, SystemRandom(), deadline,
                                            [&] { return Check(flags, session, stub.get()); });
  const std::string who = flags.model.empty() ? session.channel_options().address
                                              : absl::StrCat("model ", flags.model, " of ",
                                                             session.channel_options().address);
  if (!status.ok()) return Prefixed(who, status);
  *program.console->out << who << ": serving\n";
  return absl::OkStatus();
}

}  // namespace

void AddHealthCommand(Program* program) {
  CLI::App* const command =
      program->AddCommand("health", "Ask whether the server or a model is serving", kFooter);
  const auto flags = std::make_shared<Flags>();
  command->add_option("-m,--model", flags->model, "ask for this model")->option_text("NAME");
  command->callback([=] { program->run = [=] { return Run(*flags, *program); }; });
}

}  // namespace attentiond::client
