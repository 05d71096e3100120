#include "core/weights/json_file.h"

#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/weights/quoted.h"
#include "core/weights/regular_file.h"

namespace attentiond {
namespace {

using nlohmann::json;

constexpr size_t kMaxDepth = 64;

// Builds the document as nlohmann's own parser does, and stops at the first thing that is wrong.
// An event handler rather than json::parse(): it sees repeated keys and depth, and never throws.
class BoundedBuilder final : public json::json_sax_t {
 public:
  bool null() override { return Add(nullptr); }
  bool boolean(bool value) override { return Add(value); }
  bool number_integer(number_integer_t value) override { return Add(value); }
  bool number_unsigned(number_unsigned_t value) override { return Add(value); }
  bool number_float(number_float_t value, const string_t&) override { return Add(value); }
  bool string(string_t& value) override { return Add(std::move(value)); }
  bool binary(binary_t&) override { return Fail("binary data"); }  // only in binary formats

  bool start_object(size_t) override { return Open(json::object()); }
  bool end_object() override { return Close(); }
  bool start_array(size_t) override { return Open(json::array()); }
  bool end_array() override { return Close(); }

  bool key(string_t& name) override {
    if (open_.back()->contains(name)) {
      return Fail(absl::StrCat("key ", Quoted(name), " appears twice in one object"));
    }
    key_ = std::move(name);
    return true;
  }

  bool parse_error(size_t position, const std::string&, const json::exception&) override {
    return Fail(absl::StrCat("not valid JSON at byte ", position));
  }

  absl::StatusOr<json> Take() {
    if (!status_.ok()) return status_;
    return std::move(root_);
  }

 private:
  bool Add(json value) {
    Place(std::move(value));
    return true;
  }
  bool Open(json container) {
    if (open_.size() == kMaxDepth) {
      return Fail(absl::StrCat("JSON is nested deeper than ", kMaxDepth, " levels"));
    }
    open_.push_back(Place(std::move(container)));
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }
  bool Fail(absl::string_view why) {
    status_ = absl::InvalidArgumentError(why);
    return false;
  }

  // Only the last element of an array is ever open, so growing the array moves no open container.
  json* Place(json value) {
    json* place = &root_;
    if (!open_.empty()) {
      json& parent = *open_.back();
      if (parent.is_array()) {
        parent.push_back(nullptr);
        place = &parent.back();
      } else {
        place = &parent[key_];
      }
    }
    *place = std::move(value);
    return place;
  }

  json root_;
  std::vector<json*> open_;
  std::string key_;
  absl::Status status_;
};

// A value as a message shows it.
std::string Found(const json& value) {
  if (value.is_string()) return Quoted(value.get_ref<const std::string&>());
  if (value.is_structured()) return value.is_array() ? "an array" : "an object";
  return value.dump();
}

absl::Status WrongType(const char* key, const json& value, absl::string_view required) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", key, "\" is ", Found(value), ", ", required, " is required"));
}

// The field, or null when it is absent or JSON null.
absl::StatusOr<const json*> Field(const json& object, const char* key) {
  if (!object.is_object()) {
    return absl::InvalidArgumentError(
        absl::StrCat(Found(object), " was found where an object with \"", key, "\" is required"));
  }
  const auto field = object.find(key);
  return field == object.end() || field->is_null() ? nullptr : &*field;
}

}  // namespace

absl::StatusOr<json> ParseJson(absl::string_view text) {
  BoundedBuilder builder;
  json::sax_parse(text.begin(), text.end(), &builder);
  return builder.Take();
}

namespace {

absl::StatusOr<json> ReadFile(const std::string& path, int64_t max_bytes, json::value_t required,
                              absl::string_view required_name) {
  ASSIGN_OR_RETURN(const RegularFile file, RegularFile::Open(path));
  if (file.size() > max_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": has ", file.size(), " bytes, at most ", max_bytes, " are allowed"));
  }
  ASSIGN_OR_RETURN(const std::string text, file.ReadAll());
  absl::StatusOr<json> root = ParseJson(text);
  if (!root.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", root.status().message()));
  }
  if (root->type() != required) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": the root is ", Found(*root), ", ", required_name, " is required"));
  }
  return root;
}

}  // namespace

absl::StatusOr<json> ReadJsonFile(const std::string& path, int64_t max_bytes) {
  return ReadFile(path, max_bytes, json::value_t::object, "an object");
}

absl::StatusOr<json> ReadJsonArrayFile(const std::string& path, int64_t max_bytes) {
  return ReadFile(path, max_bytes, json::value_t::array, "an array");
}

absl::StatusOr<int64_t> GetInt(const json& object, const char* key, int64_t fallback) {
  ASSIGN_OR_RETURN(const json* value, Field(object, key));
  if (value == nullptr) return fallback;
  if (!value->is_number_integer()) return WrongType(key, *value, "an integer");
  if (value->is_number_unsigned() &&
      value->get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return WrongType(key, *value, "an integer below 2^63");
  }
  return value->get<int64_t>();
}

absl::StatusOr<double> GetDouble(const json& object, const char* key, double fallback) {
  ASSIGN_OR_RETURN(const json* value, Field(object, key));
  if (value == nullptr) return fallback;
  if (!value->is_number()) return WrongType(key, *value, "a number");
  return value->get<double>();
}

absl::StatusOr<bool> GetBool(const json& object, const char* key, bool fallback) {
  ASSIGN_OR_RETURN(const json* value, Field(object, key));
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) return WrongType(key, *value, "true or false");
  return value->get<bool>();
}

absl::StatusOr<std::string> GetString(const json& object, const char* key,
                                      const std::string& fallback) {
  ASSIGN_OR_RETURN(const json* value, Field(object, key));
  if (value == nullptr) return fallback;
  if (!value->is_string()) return WrongType(key, *value, "a string");
  return value->get_ref<const std::string&>();
}

}  // namespace attentiond
