#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "analyzer/report/report.h"
#include "google/protobuf/util/json_util.h"

namespace tokenjoule {

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
#if GOOGLE_PROTOBUF_VERSION >= 4026000
  options.always_print_fields_with_no_presence = true;
#else
  options.always_print_primitive_fields = true;
#endif
  std::string out;
  // This cannot fail, because the project's messages contain no Any and no
  // invalid UTF-8.
  (void)google::protobuf::util::MessageToJsonString(message, &out, options);
  return out;
}

absl::Status FromJson(absl::string_view text,
                      google::protobuf::Message* message) {
  const auto status =
      google::protobuf::util::JsonStringToMessage(std::string(text), message);
  if (status.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(std::string(status.message()));
}

}  // namespace tokenjoule
