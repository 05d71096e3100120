// tests/fuzz/request_conversion_fuzz.cc -- any bytes as a ModelInferRequest, through conversion and
// through the model behind it.
//
// The models are fakes, the attention is real: what conversion accepts is computed, so that a view
// that is too short is read past its end where ASan sees it.
#include <grpcpp/support/byte_buffer.h>

#include <memory>
#include <set>

#include "core/base/check.h"
#include "core/base/mutex.h"
#include "server/grpc/message_codec.h"
#include "server/grpc/model_infer.h"
#include "server/grpc/status_conversion.h"
#include "server/inference/wire_type.h"
#include "tests/testing/fake_inference.h"

namespace attentiond {
namespace {

/// Made once; what a request leaves behind would be found by the leak check.
class Target {
 public:
  Target() {
    environment_.repository = &models_.repository();
    environment_.inference = &models_.inference();
    environment_.metrics = &models_.metrics();
    environment_.clock = Clock::Real();
    environment_.gate = &gate_;
    environment_.limits = {.max_message_bytes = 1 << 20, .max_rows = 64, .max_attention_flop = 1e7};
  }

  /// Answers the request and returns how.
  absl::Status Answer(const inference::ModelInferRequest& request,
                      inference::ModelInferResponse* response) {
    auto call = std::make_shared<Call>();
    call->arrival = environment_.clock->Now();
    auto ticket = gate_.Admit(0);
    ATTENTIOND_CHECK(ticket.ok());
    Mutex mutex;
    CondVar changed;
    bool done = false;
    absl::Status status;
    StartModelInfer(environment_, call,
                    {.request = &request, .response = response, .ticket = &*ticket},
                    [&](const InferOutcome& outcome) {
                      MutexLock lock(&mutex);
                      status = outcome.status;
                      done = true;
                      changed.Signal();
                    });
    MutexLock lock(&mutex);
    while (!done) changed.Wait(&mutex);
    return status;
  }

 private:
  testing::FakeInference models_;
  AdmissionGate gate_{{.max_requests = 1, .max_bytes = 1 << 22}, Clock::Real(), &models_.metrics()};
  ServiceEnvironment environment_;
};

// Raw contents are exactly what type and shape say.
void CheckOutputs(const inference::ModelInferResponse& response) {
  ATTENTIOND_CHECK(response.raw_output_contents_size() == response.outputs_size());
  for (int i = 0; i < response.outputs_size(); ++i) {
    const auto dtype = DTypeFromWireName(response.outputs(i).datatype());
    if (!dtype.has_value()) continue;  // BYTES
    size_t bytes = ByteSize(*dtype);
    for (const int64_t dim : response.outputs(i).shape()) bytes *= static_cast<size_t>(dim);
    ATTENTIOND_CHECK(response.raw_output_contents(i).size() == bytes);
  }
}

}  // namespace
}  // namespace attentiond

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
  using attentiond::Target;
  static Target* const target = new Target();
  const grpc::Slice slice(input, size);
  grpc::ByteBuffer bytes(&slice, 1);
  inference::ModelInferRequest request;
  if (!attentiond::ParseMessage(&bytes, /*max_elements=*/64, &request).ok()) return 0;
  inference::ModelInferResponse response;
  const absl::Status status = target->Answer(request, &response);
  const std::set<absl::StatusCode> codes = {
      absl::StatusCode::kOk, absl::StatusCode::kInvalidArgument, absl::StatusCode::kNotFound,
      absl::StatusCode::kResourceExhausted, absl::StatusCode::kDeadlineExceeded};
  ATTENTIOND_CHECK(codes.contains(status.code()));
  const grpc::Status answer = attentiond::ToGrpcStatus(status, "id");
  ATTENTIOND_CHECK(answer.error_message().size() <= attentiond::kMaxStatusMessageBytes);
  attentiond::CheckOutputs(response);
  return 0;
}
