// tests/benchmarks/grpc_roundtrip_benchmark.cc -- what the server adds to a gRPC round trip: the
// smallest `attention` request against a bare callback echo of the same messages, in one program.
//
// Client and server share the machine. The number after the slash is how many calls are in flight.
// AfterMemory: one call each time that all processors have read 170 MB, as they do for one text
// with a model of BERT-base's size in bf16; what gRPC, the system and the client need then comes
// from far away.
//
//   grpc_roundtrip_benchmark --benchmark_repetitions=9 --benchmark_report_aggregates_only=true
//       --benchmark_enable_random_interleaving=true --benchmark_min_time=0.2
#include <benchmark/benchmark.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/check.h"
#include "core/base/mutex.h"
#include "core/parallel/cpu_budget.h"
#include "core/parallel/thread_pool.h"
#include "inference/grpc_service.grpc.pb.h"
#include "server/grpc/grpc_server.h"
#include "tests/testing/fake_inference.h"
#include "tests/testing/infer_request.h"

namespace attentiond {
namespace {

using inference::ModelInferRequest;
using inference::ModelInferResponse;

/// One query, one key, one channel.
ModelInferRequest SmallestRequest() {
  ModelInferRequest request;
  request.set_model_name("attention");
  for (const char* name : {"query", "key", "value"}) {
    testing::AddRaw<float>(&request, name, "FP32", {1, 1, 1, 1}, {2});
  }
  return request;
}

/// Answers with as many bytes as the real service, at once.
class EchoService final : public inference::GRPCInferenceService::CallbackService {
  grpc::ServerUnaryReactor* ModelInfer(grpc::CallbackServerContext* context,
                                       const ModelInferRequest* request,
                                       ModelInferResponse* response) override {
    response->set_model_name(request->model_name());
    response->set_model_version("1");
    auto* const output = response->add_outputs();
    output->set_name("output");
    output->set_datatype(request->inputs(0).datatype());
    *output->mutable_shape() = request->inputs(0).shape();
    response->add_raw_output_contents(request->raw_input_contents(0));
    auto* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

/// Keeps a number of calls in flight.
class ClosedLoop {
 public:
  explicit ClosedLoop(int port) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stub_ = inference::GRPCInferenceService::NewStub(grpc::CreateCustomChannel(
        absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials(), arguments));
  }

  /// Blocks until `calls` calls have been answered, `concurrency` at a time.
  void Run(int64_t calls, int64_t concurrency) {
    {
      MutexLock lock(&mutex_);
      left_to_start_ = calls;
      in_flight_ = 0;
    }
    for (int64_t i = 0; i < concurrency; ++i) StartNext();
    MutexLock lock(&mutex_);
    while (in_flight_ > 0) done_.Wait(&mutex_);
  }

 private:
  struct CallState {
    grpc::ClientContext context;
    ModelInferResponse response;
  };

  void StartNext() {
    {
      MutexLock lock(&mutex_);
      if (left_to_start_ == 0) return;
      --left_to_start_;
      ++in_flight_;
    }
    auto* const state = new CallState();
    stub_->async()->ModelInfer(&state->context, &request_, &state->response,
                               [this, state](const grpc::Status& status) {
                                 ATTENTIOND_CHECK(status.ok());
                                 ATTENTIOND_CHECK(state->response.raw_output_contents_size() == 1);
                                 delete state;
                                 StartNext();
                                 MutexLock lock(&mutex_);
                                 if (--in_flight_ == 0) done_.Signal();
                               });
  }

  const ModelInferRequest request_ = SmallestRequest();
  std::unique_ptr<inference::GRPCInferenceService::Stub> stub_;
  Mutex mutex_;
  CondVar done_;
  int64_t left_to_start_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
};

void Measure(benchmark::State& state, int port) {
  ClosedLoop loop(port);
  const int64_t concurrency = state.range(0);
  const int64_t calls = 8 * concurrency;
  loop.Run(calls, concurrency);
  for (auto _ : state) loop.Run(calls, concurrency);
  state.SetItemsProcessed(state.iterations() * calls);
}

// Reads what no cache of a processor's own holds, with as many threads as there are processors.
class OtherMemory {
 public:
  void Read() {
    threads_.ParallelFor(threads_.num_threads(), 1, [this](int64_t begin, int64_t end, int) {
      const size_t share = words_.size() / static_cast<size_t>(threads_.num_threads());
      const auto first = words_.begin() + static_cast<std::ptrdiff_t>(share) * begin;
      const auto last = words_.begin() + static_cast<std::ptrdiff_t>(share) * end;
      benchmark::DoNotOptimize(std::accumulate(first, last, uint64_t{0}));
    });
  }

 private:
  std::vector<uint64_t> words_ = std::vector<uint64_t>(170'000'000 / sizeof(uint64_t), 1);
  ThreadPool threads_{ReadCpuBudget().threads};
};

void MeasureAfterMemory(benchmark::State& state, int port) {
  ClosedLoop loop(port);
  OtherMemory memory;
  loop.Run(8, 1);
  for (auto _ : state) {
    memory.Read();
    const auto start = std::chrono::steady_clock::now();
    loop.Run(1, 1);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    state.SetIterationTime(elapsed.count());
  }
}

template <void (*kMeasure)(benchmark::State&, int)>
void BM_Echo(benchmark::State& state) {
  EchoService service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  kMeasure(state, port);
}

template <void (*kMeasure)(benchmark::State&, int)>
void BM_ModelInfer(benchmark::State& state) {
  testing::FakeInference::Options options;
  options.models.clear();  // the built-in alone
  testing::FakeInference models(options);
  GrpcServerOptions server_options;
  server_options.address = "127.0.0.1:0";
  const auto server = GrpcServer::Start(server_options, {.repository = &models.repository(),
                                                         .inference = &models.inference(),
                                                         .metrics = &models.metrics(),
                                                         .clock = Clock::Real()});
  ATTENTIOND_CHECK(server.ok());
  (*server)->SetReady();
  kMeasure(state, (*server)->port());
}

void Calls(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(1)->Arg(16)->Arg(64)->UseRealTime()->Unit(benchmark::kMicrosecond);
}
void CallAfterMemory(benchmark::internal::Benchmark* benchmark) {
  benchmark->Iterations(100)->UseManualTime()->Unit(benchmark::kMicrosecond);
}

BENCHMARK(BM_Echo<Measure>)->Name("BM_Echo")->Apply(Calls);
BENCHMARK(BM_ModelInfer<Measure>)->Name("BM_ModelInfer")->Apply(Calls);
BENCHMARK(BM_Echo<MeasureAfterMemory>)->Name("BM_EchoAfterMemory")->Apply(CallAfterMemory);
BENCHMARK(BM_ModelInfer<MeasureAfterMemory>)
    ->Name("BM_ModelInferAfterMemory")
    ->Apply(CallAfterMemory);

}  // namespace
}  // namespace attentiond

BENCHMARK_MAIN();
