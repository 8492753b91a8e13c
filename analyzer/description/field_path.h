// Fields by path: "memory.hbm.bandwidth_gb_per_s", "block[0].attention.heads".
//
// A step into a repeated message is an index in brackets or, after a dot, the
// entry's own name (its `name`, `format`, `block` or `id` field). A path that
// ends at a Constant refers to its value.

#ifndef ANALYZER_DESCRIPTION_FIELD_PATH_H_
#define ANALYZER_DESCRIPTION_FIELD_PATH_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "proto/constant.pb.h"

namespace tokenjoule {

// Sets the field at `path` of `root` to `value`. A Constant becomes exact at
// that value (low = value = high) with `source_id` as its source. The error
// message says what would be accepted: the nearest field name, the existing
// entries or the kind of value.
absl::Status SetField(google::protobuf::Message* root, absl::string_view path,
                      absl::string_view value, absl::string_view source_id);

// The one spelling of a path that SetField takes: entries by their number in
// brackets, and no ".value" behind a Constant, so that "memory.hbm.capacity_gb" and
// "memory[0].capacity_gb.value" are alike. Empty if `root` has no such field.
std::string CanonicalFieldPath(const google::protobuf::Message& root,
                               absl::string_view path);

// The name of a repeated entry in paths; empty if it has none.
std::string EntryName(const google::protobuf::Message& entry);

// The path of element `index` of a repeated field.
std::string EntryPath(absl::string_view field_path,
                      const google::protobuf::Message& entry, int index);

// Calls `visit` with every Constant below `root` that is set, in schema order,
// with its path and the field that holds it.
void ForEachConstant(
    const google::protobuf::Message& root,
    absl::FunctionRef<void(const std::string& path, const Constant& constant,
                           const google::protobuf::FieldDescriptor& field)>
        visit);

}  // namespace tokenjoule

#endif  // ANALYZER_DESCRIPTION_FIELD_PATH_H_
