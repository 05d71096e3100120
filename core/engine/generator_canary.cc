// core/engine/generator_canary.cc -- a source, its memory, and a few tokens behind it.
#include "core/engine/generator_canary.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "core/base/status_macros.h"
#include "core/generate/page_pool.h"

namespace attentiond {
namespace {

constexpr int64_t kSourceTokens = 16, kDecodedTokens = 8;

std::vector<int32_t> RandomIds(int64_t count, int64_t vocab_size) {
  std::mt19937 generator(1);
  std::vector<int32_t> ids(static_cast<size_t>(count));
  for (int32_t& id : ids) {
    id = static_cast<int32_t>(generator() % static_cast<uint32_t>(vocab_size));
  }
  return ids;
}

/// Appends the logits after each token.
absl::Status Decode(const Decoder& decoder, const TensorView& states, int64_t length,
                    ExecutionContext& context, CanaryOutputs* outputs) {
  const int64_t decoded = std::min(kDecodedTokens, decoder.config().max_tokens);
  const int64_t own_pages = KeyValueLayout::PagesOf(decoded);
  const int64_t all_pages = own_pages + KeyValueLayout::PagesOf(length);
  PagePool pool(decoder.layout(), all_pages);
  std::vector<int32_t> pages(static_cast<size_t>(all_pages));
  std::iota(pages.begin(), pages.end(), 0);
  const int32_t* const memory_pages = pages.data() + own_pages;
  std::vector<PagedToken> places;
  for (int64_t token = 0; token < length; ++token) {
    places.push_back({pool.page(memory_pages[token / KeyValueLayout::kTokens]),
                      token % KeyValueLayout::kTokens});
  }
  RETURN_IF_ERROR(decoder.WriteMemory(states, places, context));

  std::vector<DecoderRow> rows;
  for (const int32_t id : RandomIds(decoded, decoder.vocab_size())) {
    rows.push_back({.token = id,
                    .position = static_cast<int64_t>(rows.size()),
                    .pages = pages.data(),
                    .memory_pages = memory_pages,
                    .memory_length = length});
  }
  const size_t first = outputs->size();
  outputs->resize(first + rows.size());
  return decoder.Run(
      rows, pool.data(), {},
      [&](const Decoder::LogitsSlice& slice) {
        for (size_t r = 0; r < rows.size(); ++r) {
          const absl::Span<const float> logits = slice.row(r);
          std::vector<float>& row = (*outputs)[first + r];
          row.insert(row.end(), logits.begin(), logits.end());
        }
      },
      context);
}

}  // namespace

absl::StatusOr<CanaryOutputs> RunCanary(const TextSeq2Seq& model) {
  const StackConfig& config = model.encoder.config();
  const int64_t length = std::min(kSourceTokens, config.max_tokens);
  const std::vector<int32_t> ids = RandomIds(length, config.vocab_size);
  ThreadPool threads(1);
  ExecutionContext context(&threads);
  ASSIGN_OR_RETURN(const TensorView states, model.encoder.Run(ids, {0, length}, context));
  CanaryOutputs outputs = {AsFloats(states)};
  RETURN_IF_ERROR(Decode(model.decoder, states, length, context, &outputs));
  return outputs;
}

absl::StatusOr<CanaryOutputs> RunCanary(const VisionEncoder& encoder, const Decoder& decoder) {
  const std::vector<float> pixels = CanaryPixels(encoder.config());
  const float* const picture = pixels.data();
  ThreadPool threads(1);
  ExecutionContext context(&threads);
  ASSIGN_OR_RETURN(const TensorView states, encoder.Run({.pixels = {&picture, 1}}, context));
  CanaryOutputs outputs = {AsFloats(states)};
  RETURN_IF_ERROR(Decode(decoder, states, encoder.config().tokens(), context, &outputs));
  return outputs;
}

}  // namespace attentiond
