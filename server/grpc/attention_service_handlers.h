// server/grpc/attention_service_handlers.h -- the RPCs of attentiond.v1, one function and one file
// each: attention_service_<rpc>.cc.
//
// Each gets a request that has been admitted and parsed, checks what it says, starts the work and
// returns without waiting. When the work is done, Reply() is called, on any thread, possibly before
// the function returns. A status other than OK means that nothing was started and nobody replies.
#pragma once

#include "attentiond/v1/attention_service.pb.h"
#include "server/grpc/attention_service_call.h"

namespace attentiond {

using AttendCall = AttentionCall<v1::AttendRequest, v1::AttendResponse>;
using ClassifyCall = AttentionCall<v1::ClassifyRequest, v1::ClassifyResponse>;
using EmbedCall = AttentionCall<v1::EmbedRequest, v1::EmbedResponse>;
using ExplainCall = AttentionCall<v1::ExplainRequest, v1::ExplainResponse>;
using TranslateCall = AttentionCall<v1::TranslateRequest, v1::TranslateResponse>;
using CaptionCall = AttentionCall<v1::CaptionRequest, v1::CaptionResponse>;
using TokenizeCall = AttentionCall<v1::TokenizeRequest, v1::TokenizeResponse>;
using ListModelsCall = AttentionCall<v1::ListModelsRequest, v1::ListModelsResponse>;

absl::Status StartAttend(const AttendCall::Pointer& call);
absl::Status StartClassify(const ClassifyCall::Pointer& call);
absl::Status StartEmbed(const EmbedCall::Pointer& call);
absl::Status StartExplain(const ExplainCall::Pointer& call);
absl::Status StartTranslate(const TranslateCall::Pointer& call);
absl::Status StartCaption(const CaptionCall::Pointer& call);
absl::Status StartTokenize(const TokenizeCall::Pointer& call);
absl::Status StartListModels(const ListModelsCall::Pointer& call);

}  // namespace attentiond
