#include "analyzer/fit/keep_constants.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "analyzer/description/field_path.h"
#include "google/protobuf/descriptor.h"
#include "proto/constant.pb.h"

namespace tokenjoule {
namespace {

// Removes from a description every constant that `keep` does not name, and
// every group that becomes empty. Returns whether anything remains.
bool Prune(const std::set<std::string>& keep, const std::string& prefix,
           google::protobuf::Message* message) {
  const auto* reflection = message->GetReflection();
  const auto* type = message->GetDescriptor();
  bool left = false;
  for (int i = 0; i < type->field_count(); ++i) {
    const auto* field = type->field(i);
    const std::string path = absl::StrCat(prefix, field->name());
    if (field->message_type() == nullptr) {
      if (field->name() != "name" && field->name() != "format") {
        reflection->ClearField(message, field);
      }
    } else if (field->is_repeated()) {
      for (int k = reflection->FieldSize(*message, field) - 1; k >= 0; --k) {
        auto* entry = reflection->MutableRepeatedMessage(message, field, k);
        if (Prune(keep, EntryPath(path, *entry, k) + ".", entry)) {
          left = true;
          continue;
        }
        // Entries are removed from the back, so that the indices of the others
        // stay valid.
        const int last = reflection->FieldSize(*message, field) - 1;
        for (int m = k; m < last; ++m) {
          reflection->SwapElements(message, field, m, m + 1);
        }
        reflection->RemoveLast(message, field);
      }
    } else if (reflection->HasField(*message, field)) {
      const bool stays =
          field->message_type() == Constant::descriptor()
              ? keep.count(path) > 0
              : Prune(keep, path + ".",
                      reflection->MutableMessage(message, field));
      if (!stays) reflection->ClearField(message, field);
      left = left || stays;
    }
  }
  return left;
}

}  // namespace

void KeepConstants(const std::set<std::string>& keep,
                   google::protobuf::Message* message) {
  Prune(keep, "", message);
}

double Rounded(double value) {
  double number = value;
  (void)absl::SimpleAtod(absl::StrFormat("%.4g", value), &number);
  return number;
}

}  // namespace tokenjoule
