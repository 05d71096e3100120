// server/grpc/kserve_descriptions.h -- what the KServe v2 RPCs that only tell say: metadata,
// configuration, statistics, the repository's index.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"
#include "inference/grpc_service.pb.h"
#include "server/repository/model_repository.h"

namespace attentiond {

void DescribeServer(absl::string_view version, inference::ServerMetadataResponse* response);
void DescribeModel(const LoadedModel& model, inference::ModelMetadataResponse* response);
/// `max_rows`: of one request.
void DescribeConfig(const LoadedModel& model, int64_t max_rows, inference::ModelConfig* config);
void DescribeStatistics(const LoadedModel& model, inference::ModelStatistics* statistics);
/// `only_ready`: leave out the others. Ordered by name.
void DescribeIndex(std::vector<ModelIndexEntry> entries, bool only_ready,
                   inference::RepositoryIndexResponse* response);

}  // namespace attentiond
