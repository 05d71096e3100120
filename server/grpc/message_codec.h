// server/grpc/message_codec.h -- bytes of a request to its message, and back, with errors that name
// the field.
//
// gRPC's own parsing answers UNIMPLEMENTED without a word to a message that does not parse, one
// with text that is not UTF-8 included. So the services take the bytes and parse here.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstdint>

#include "absl/status/status.h"

namespace attentiond {

/// Parses `bytes`, a serialized message of the type of `message`; `bytes` stay as they are.
///
/// Threads   any.
/// Errors    kInvalidArgument: the bytes are not such a message. A FieldError(): a string is not
///           valid UTF-8, or a repeated message, string or bytes has more than `max_elements`
///           elements; nothing was allocated for them.
absl::Status ParseMessage(grpc::ByteBuffer* bytes, int64_t max_elements,
                          google::protobuf::Message* message);

/// Serializes `message`. kInvalidArgument: that takes more than `max_bytes` (at most 2 GiB - 1).
absl::Status SerializeMessage(const google::protobuf::Message& message, int64_t max_bytes,
                              grpc::ByteBuffer* bytes);

}  // namespace attentiond
