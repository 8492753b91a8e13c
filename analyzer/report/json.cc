#include "nlohmann/json.hpp"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "analyzer/base/json_keys.h"
#include "analyzer/base/version.h"
#include "analyzer/description/faults.h"
#include "analyzer/report/report.h"
#include "analyzer/report/texts.h"
#include "google/protobuf/util/json_util.h"

namespace tokenjoule {
namespace {

constexpr char kVersionMember[] = "tokenjoule_version";

// What ToJson writes before the version and after it.
std::string BeforeVersion() {
  return absl::StrCat("{\n \"", kVersionMember, "\": \"");
}

// The text without the version, which no message has as a field. Sets
// `*version` to it.
std::string WithoutVersion(absl::string_view text, std::string* version) {
  // As ToJson writes it: no second copy of a large answer is parsed.
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, BeforeVersion())) {
    const size_t end = rest.find('"');
    if (end != absl::string_view::npos) {
      *version = std::string(rest.substr(0, end));
      rest.remove_prefix(end + 1);
      absl::ConsumePrefix(&rest, ",");
      return absl::StrCat("{", rest);
    }
  }
  // As another program may have written it again.
  if (absl::StrContains(text, kVersionMember)) {
    nlohmann::json json =
        nlohmann::json::parse(text, /*cb=*/nullptr, /*allow_exceptions=*/false);
    if (json.is_object() && json.contains(kVersionMember)) {
      if (json[kVersionMember].is_string()) {
        *version = json[kVersionMember].get<std::string>();
      }
      json.erase(kVersionMember);
      return json.dump();
    }
  }
  return std::string(text);
}

}  // namespace

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
#if GOOGLE_PROTOBUF_VERSION >= 4026000
  options.always_print_fields_with_no_presence = true;
#else
  options.always_print_primitive_fields = true;
#endif
  std::unique_ptr<google::protobuf::Message> valid;
  if (ChangesTexts(kJsonTexts, message)) {
    valid.reset(message.New());
    valid->CopyFrom(message);
    EscapeTexts(kJsonTexts, valid.get());
  }
  std::string out;
  // This cannot fail, because the message contains no Any and no invalid UTF-8.
  (void)google::protobuf::util::MessageToJsonString(
      valid == nullptr ? message : *valid, &out, options);
  absl::string_view members = out;
  absl::ConsumePrefix(&members, "{");
  return absl::StrCat(BeforeVersion(), kVersion, "\"",
                      absl::StartsWith(members, "}") ? "\n" : ",", members);
}

absl::Status FromJson(absl::string_view text,
                      google::protobuf::Message* message,
                      std::string* version) {
  if (const auto repeated = RepeatedJsonKey(text, /*of_messages=*/true)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the key \"", Printable(*repeated), "\" is there twice; remove one"));
  }
  std::string written_by;
  const auto status = google::protobuf::util::JsonStringToMessage(
      WithoutVersion(text, &written_by), message);
  if (version != nullptr) *version = written_by;
  if (status.ok()) return absl::OkStatus();
  const std::string newer = NewerVersionNote(written_by);
  return absl::InvalidArgumentError(absl::StrCat(
      std::string(status.message()), newer.empty() ? "" : "; ", newer));
}

}  // namespace tokenjoule
