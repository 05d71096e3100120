// server/grpc/kserve_descriptions.cc -- signatures and counters as KServe v2 messages.
#include "server/grpc/kserve_descriptions.h"

#include <algorithm>
#include <string>

#include "server/grpc/model_signature.h"

namespace attentiond {
namespace {

// Every extension of which all RPCs and fields are served.
constexpr absl::string_view kExtensions[] = {
    "statistics", "model_configuration", "model_repository", "model_repository(unload_dependents)",
    "parameters", "binary_tensor_data",
};

ModelSignature Signature(const LoadedModel& model) {
  return SignatureOf(model.is_builtin_attention() ? nullptr : &model.model->info());
}

void DescribeTensors(
    const std::vector<TensorSpec>& specs,
    google::protobuf::RepeatedPtrField<inference::ModelMetadataResponse::TensorMetadata>* out) {
  for (const TensorSpec& spec : specs) {
    auto* const tensor = out->Add();
    tensor->set_name(std::string(spec.name));
    tensor->set_datatype(std::string(WireTypeName(spec.types.front())));
    tensor->mutable_shape()->Add(spec.shape.begin(), spec.shape.end());
  }
}

inference::DataType ConfigType(WireType type) {
  if (type == kBytes) return inference::TYPE_STRING;
  inference::DataType result = inference::TYPE_INVALID;
  const bool known = inference::DataType_Parse("TYPE_" + std::string(WireTypeName(type)), &result);
  return known ? result : inference::TYPE_INVALID;
}

// Name, type and dims have the same fields in inputs and outputs.
template <typename Tensor>
Tensor* ConfigureTensor(const TensorSpec& spec, bool has_rows,
                        google::protobuf::RepeatedPtrField<Tensor>* out) {
  Tensor* const tensor = out->Add();
  tensor->set_name(std::string(spec.name));
  tensor->set_data_type(ConfigType(spec.types.front()));
  tensor->mutable_dims()->Add(spec.shape.begin() + (has_rows ? 1 : 0), spec.shape.end());
  return tensor;
}

void SetDuration(const ModelStatistics::Counter& counter, inference::StatisticDuration* out) {
  out->set_count(counter.count);
  out->set_ns(counter.ns);
}

}  // namespace

void DescribeServer(absl::string_view version, inference::ServerMetadataResponse* response) {
  response->set_name("attentiond");
  response->set_version(std::string(version));
  for (const absl::string_view extension : kExtensions) {
    response->add_extensions(std::string(extension));
  }
}

void DescribeModel(const LoadedModel& model, inference::ModelMetadataResponse* response) {
  const ModelSignature signature = Signature(model);
  response->set_name(model.name);
  response->add_versions(model.version);
  response->set_platform(signature.platform);
  DescribeTensors(signature.inputs, response->mutable_inputs());
  DescribeTensors(signature.outputs, response->mutable_outputs());
}

void DescribeConfig(const LoadedModel& model, int64_t max_rows, inference::ModelConfig* config) {
  const ModelSignature signature = Signature(model);
  config->set_name(model.name);
  config->set_platform(signature.platform);
  // What is more than the queue holds is never accepted.
  const int64_t accepted_rows = std::min(max_rows, model.queue->capacity());
  config->set_max_batch_size(signature.has_rows ? static_cast<int32_t>(accepted_rows) : 0);
  for (const TensorSpec& spec : signature.inputs) {
    ConfigureTensor(spec, signature.has_rows, config->mutable_input())->set_optional(spec.optional);
  }
  for (const TensorSpec& spec : signature.outputs) {
    ConfigureTensor(spec, signature.has_rows, config->mutable_output());
  }
  config->mutable_dynamic_batching();
  config->mutable_model_transaction_policy()->set_decoupled(false);
}

void DescribeStatistics(const LoadedModel& model, inference::ModelStatistics* statistics) {
  const ModelStatistics::Snapshot snapshot = model.statistics->Read();
  statistics->set_name(model.name);
  statistics->set_version(model.version);
  statistics->set_last_inference(snapshot.last_inference_ms);
  statistics->set_inference_count(snapshot.inference_count);
  statistics->set_execution_count(snapshot.execution_count);
  inference::InferStatistics* const out = statistics->mutable_inference_stats();
  SetDuration(snapshot.success, out->mutable_success());
  SetDuration(snapshot.fail, out->mutable_fail());
  SetDuration(snapshot.queue, out->mutable_queue());
  SetDuration(snapshot.compute_input, out->mutable_compute_input());
  SetDuration(snapshot.compute_infer, out->mutable_compute_infer());
  SetDuration(snapshot.compute_output, out->mutable_compute_output());
  SetDuration(snapshot.cache_hit, out->mutable_cache_hit());
  SetDuration(snapshot.cache_miss, out->mutable_cache_miss());
}

void DescribeIndex(std::vector<ModelIndexEntry> entries, bool only_ready,
                   inference::RepositoryIndexResponse* response) {
  std::sort(entries.begin(), entries.end(),
            [](const ModelIndexEntry& a, const ModelIndexEntry& b) { return a.name < b.name; });
  for (const ModelIndexEntry& entry : entries) {
    if (only_ready && entry.state != "READY") continue;
    auto* const model = response->add_models();
    model->set_name(entry.name);
    model->set_version(entry.version);
    model->set_state(entry.state);
    model->set_reason(entry.reason);
  }
}

}  // namespace attentiond
