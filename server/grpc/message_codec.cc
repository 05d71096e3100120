// server/grpc/message_codec.cc -- a pass over the wire format before the real parser.
#include "server/grpc/message_codec.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/proto_buffer_writer.h>

#include <map>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/text/unicode.h"
#include "server/inference/field_error.h"

namespace attentiond {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

absl::Status Malformed() {
  return absl::InvalidArgumentError("not a well-formed protobuf message");
}

absl::Status CheckFields(const Descriptor& message, int64_t max_elements, CodedInputStream* input);

/// One string, bytes or message, whose tag was read.
absl::Status CheckValue(const FieldDescriptor& field, int64_t max_elements,
                        CodedInputStream* input) {
  uint32_t length = 0;
  if (!input->ReadVarint32(&length) || length > static_cast<uint32_t>(INT32_MAX)) {
    return Malformed();
  }
  if (field.type() == FieldDescriptor::TYPE_BYTES) {
    return input->Skip(static_cast<int>(length)) ? absl::OkStatus() : Malformed();
  }
  if (field.type() == FieldDescriptor::TYPE_STRING) {
    std::string text;
    if (!input->ReadString(&text, static_cast<int>(length))) return Malformed();
    const std::optional<size_t> invalid = FindInvalidUtf8(text);
    if (!invalid) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("byte ", *invalid, " is not valid UTF-8, required text in UTF-8"));
  }
  const CodedInputStream::Limit limit = input->PushLimit(static_cast<int>(length));
  RETURN_IF_ERROR(CheckFields(*field.message_type(), max_elements, input));
  input->PopLimit(limit);
  return absl::OkStatus();
}

/// The fields of a message up to its end. Recursion is as deep as the schema, which is finite.
absl::Status CheckFields(const Descriptor& message, int64_t max_elements, CodedInputStream* input) {
  std::map<int, int64_t> elements;  // by field number
  while (const uint32_t tag = input->ReadTag()) {
    const FieldDescriptor* field =
        message.FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
    const bool is_checked =
        field != nullptr &&
        WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED &&
        (field->type() == FieldDescriptor::TYPE_STRING ||
         field->type() == FieldDescriptor::TYPE_BYTES ||
         field->type() == FieldDescriptor::TYPE_MESSAGE);
    if (!is_checked) {
      if (!WireFormatLite::SkipField(input, tag)) return Malformed();
      continue;
    }
    const int64_t index = elements[field->number()]++;
    if (field->is_repeated() && index >= max_elements) {
      return FieldError(field->name(), absl::StrCat("more than ", max_elements,
                                                    " elements, required at most ", max_elements));
    }
    if (absl::Status status = CheckValue(*field, max_elements, input); !status.ok()) {
      return InField(
          field->is_repeated() ? absl::StrCat(field->name(), "[", index, "]") : field->name(),
          status);
    }
  }
  return input->ConsumedEntireMessage() ? absl::OkStatus() : Malformed();
}

}  // namespace

absl::Status ParseMessage(grpc::ByteBuffer* bytes, int64_t max_elements,
                          google::protobuf::Message* message) {
  if (!bytes->Valid() || bytes->Length() == 0) return absl::OkStatus();  // all defaults
  {
    grpc::ProtoBufferReader reader(bytes);
    CodedInputStream input(&reader);
    RETURN_IF_ERROR(CheckFields(*message->GetDescriptor(), max_elements, &input));
  }
  grpc::ProtoBufferReader reader(bytes);
  return message->ParseFromZeroCopyStream(&reader) ? absl::OkStatus() : Malformed();
}

absl::Status SerializeMessage(const google::protobuf::Message& message, int64_t max_bytes,
                              grpc::ByteBuffer* bytes) {
  const size_t size = message.ByteSizeLong();
  if (size > static_cast<size_t>(max_bytes)) {
    return absl::InvalidArgumentError(absl::StrCat("the reply would take ", size,
                                                   " bytes, the limit is ", max_bytes,
                                                   ": ask for less in one call"));
  }
  constexpr int kBlockBytes = 1 << 20;
  grpc::ProtoBufferWriter writer(bytes, kBlockBytes, static_cast<int>(size));
  return message.SerializeToZeroCopyStream(&writer)
             ? absl::OkStatus()
             : absl::InternalError("the reply could not be serialized");
}

}  // namespace attentiond
