#include "analyzer/description/field_path.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/description/counts.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/formats.h"
#include "proto/options.pb.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::EnumValueDescriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;

bool IsConstant(const FieldDescriptor& field) {
  return field.message_type() == Constant::descriptor();
}

// Splits "memory[0].x" and "memory.hbm.x" into steps: memory, 0, x.
struct Step {
  std::string text;
  bool is_index = false;
};

absl::Status SplitPath(absl::string_view path, std::vector<Step>* steps) {
  std::string word;
  bool in_brackets = false;
  for (const char c : path) {
    if (c == '[' || c == ']' || c == '.') {
      if ((c == ']') != in_brackets) {
        return absl::InvalidArgumentError(
            absl::StrCat("unbalanced brackets in \"", Printable(path), "\""));
      }
      if (!word.empty()) steps->push_back({word, in_brackets});
      word.clear();
      in_brackets = c == '[';
    } else {
      word += c;
    }
  }
  if (in_brackets) {
    return absl::InvalidArgumentError(
        absl::StrCat("unbalanced brackets in \"", Printable(path), "\""));
  }
  if (!word.empty()) steps->push_back({word, false});
  if (steps->empty()) return absl::InvalidArgumentError("the path is empty");
  return absl::OkStatus();
}

std::vector<std::string> FieldNames(const Descriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) {
    names.push_back(std::string(type.field(i)->name()));
  }
  return names;
}

absl::Status SetScalar(Message* message, const FieldDescriptor& field,
                       absl::string_view value, absl::string_view source_id) {
  const Reflection& reflection = *message->GetReflection();
  const auto expected = [&](absl::string_view kind) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected ", kind, ", found \"", Printable(value), "\""));
  };
  double number = 0;
  bool is_number = ParseNumber(value, &number);
  if (field.options().GetExtension(range).counts()) {
    RETURN_IF_ERROR(ParseCount(value, &number));
    is_number = true;
  }
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      if (!IsConstant(field)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "is a group; name a field of it: ",
            absl::StrJoin(FieldNames(*field.message_type()), ", ")));
      }
      if (!is_number) return expected("a number");
      auto* constant = google::protobuf::DynamicCastToGenerated<Constant>(
          reflection.MutableMessage(message, &field));
      constant->set_value(number);
      constant->set_low(number);
      constant->set_high(number);
      constant->set_source(std::string(source_id));
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_DOUBLE:
      if (!is_number) return expected("a number");
      reflection.SetDouble(message, &field, number);
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64: {
      if (!is_number || number != std::floor(number)) {
        return expected("a whole number");
      }
      const bool is_int32 = field.cpp_type() == FieldDescriptor::CPPTYPE_INT32;
      if (std::abs(number) > (is_int32 ? 2147483647.0 : 9e15)) {
        return expected("a smaller number");
      }
      if (is_int32) {
        reflection.SetInt32(message, &field, static_cast<int32_t>(number));
      } else {
        reflection.SetInt64(message, &field, static_cast<int64_t>(number));
      }
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      bool flag = false;
      if (!absl::SimpleAtob(value, &flag)) return expected("true or false");
      reflection.SetBool(message, &field, flag);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_STRING:
      reflection.SetString(
          message, &field,
          field.options().GetExtension(name_of) == NUMBER_FORMAT
              ? FormatName(value)
              : std::string(value));
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_ENUM: {
      // The command line accepts "power-law" for POWER_LAW.
      const std::string spelt =
          absl::StrReplaceAll(absl::AsciiStrToUpper(value), {{"-", "_"}});
      const EnumValueDescriptor* entry =
          field.enum_type()->FindValueByName(spelt);
      if (entry == nullptr) {
        std::vector<std::string> names;
        for (int i = 0; i < field.enum_type()->value_count(); ++i) {
          names.push_back(std::string(field.enum_type()->value(i)->name()));
        }
        const bool is_near = !NearestName(spelt, names).empty();
        return absl::InvalidArgumentError(
            UnknownNameMessage("value", is_near ? spelt : value, names, ""));
      }
      reflection.SetEnum(message, &field, entry);
      return absl::OkStatus();
    }
    default:
      return absl::InvalidArgumentError("cannot be set");
  }
}

// Finds the number of the entry of a repeated field that `step` refers to, or returns an
// error that lists the entries. After a dot, names take precedence over
// indices, because an entry may be called "1".
absl::Status FindEntry(const Message& message, const FieldDescriptor& field,
                       const Step& step, int* entry) {
  const Reflection& reflection = *message.GetReflection();
  const int size = reflection.FieldSize(message, &field);
  std::vector<std::string> names;
  for (int i = 0; i < size; ++i) {
    names.push_back(EntryName(reflection.GetRepeatedMessage(message, &field, i)));
    if (!step.is_index && names.back() == step.text) {
      *entry = i;
      return absl::OkStatus();
    }
  }
  int index = -1;
  if (absl::SimpleAtoi(step.text, &index) && index >= 0 && index < size) {
    *entry = index;
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      UnknownNameMessage(absl::StrCat("entry of ", field.name()), step.text,
                         names, absl::StrCat("(it has ", size, ")")));
}

void VisitConstants(const Message& message, const std::string& prefix,
                    absl::FunctionRef<void(const std::string&, const Constant&,
                                           const FieldDescriptor&)>
                        visit) {
  const Reflection& reflection = *message.GetReflection();
  const Descriptor& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const std::string path = absl::StrCat(prefix, field->name());
    if (field->is_repeated()) {
      for (int k = 0; k < reflection.FieldSize(message, field); ++k) {
        const Message& entry = reflection.GetRepeatedMessage(message, field, k);
        VisitConstants(entry, EntryPath(path, entry, k) + ".", visit);
      }
    } else if (reflection.HasField(message, field)) {
      const Message& child = reflection.GetMessage(message, field);
      if (IsConstant(*field)) {
        visit(path, *google::protobuf::DynamicCastToGenerated<Constant>(&child),
              *field);
      } else {
        VisitConstants(child, path + ".", visit);
      }
    }
  }
}

}  // namespace

std::string EntryName(const Message& entry) {
  for (const char* key : {"name", "format", "block", "id"}) {
    const FieldDescriptor* field = entry.GetDescriptor()->FindFieldByName(key);
    if (field != nullptr && !field->is_repeated() &&
        field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      return entry.GetReflection()->GetString(entry, field);
    }
  }
  return "";
}

std::string EntryPath(absl::string_view field_path, const Message& entry,
                      int index) {
  const std::string name = EntryName(entry);
  // A name with path punctuation, or that is escaped when printed, would not
  // lead back to the entry.
  if (name.empty() || name.find_first_of(".[]") != std::string::npos ||
      Printable(name) != name) {
    return absl::StrCat(field_path, "[", index, "]");
  }
  return absl::StrCat(field_path, ".", name);
}

absl::Status SetField(Message* root, absl::string_view path,
                      absl::string_view value, absl::string_view source_id) {
  std::vector<Step> steps;
  RETURN_IF_ERROR(SplitPath(path, &steps));
  Message* message = root;
  for (size_t i = 0; i < steps.size(); ++i) {
    const Descriptor& type = *message->GetDescriptor();
    const FieldDescriptor* field = type.FindFieldByName(steps[i].text);
    if (field == nullptr) {
      return absl::InvalidArgumentError(
          UnknownNameMessage(absl::StrCat("field of ", type.name()),
                             steps[i].text, FieldNames(type), ""));
    }
    const bool last = i + 1 == steps.size();
    if (field->is_repeated()) {
      if (last || field->message_type() == nullptr) {
        return absl::InvalidArgumentError(
            absl::StrCat("\"", field->name(), "\" is a list; name an entry"));
      }
      int entry = 0;
      RETURN_IF_ERROR(FindEntry(*message, *field, steps[++i], &entry));
      message = message->GetReflection()->MutableRepeatedMessage(message, field,
                                                                 entry);
      if (i + 1 == steps.size()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "is a group; name a field of it: ",
            absl::StrJoin(FieldNames(*message->GetDescriptor()), ", ")));
      }
      continue;
    }
    const bool is_value =
        field->message_type() == nullptr || IsConstant(*field);
    if (last) return SetScalar(message, *field, value, source_id);
    if (field->message_type() == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", field->name(), "\" has no fields"));
    }
    // Stepping into a Constant (".low", ".high") requires it to be set.
    if (is_value && !message->GetReflection()->HasField(*message, field)) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", field->name(), "\" is not set; set its value"));
    }
    message = message->GetReflection()->MutableMessage(message, field);
  }
  return absl::InternalError("unreachable: a path ends at a value");
}

std::string CanonicalFieldPath(const Message& root, absl::string_view path) {
  std::vector<Step> steps;
  if (!SplitPath(path, &steps).ok()) return "";
  const Message* message = &root;
  std::string canonical;
  for (size_t i = 0; i < steps.size(); ++i) {
    // A field below one that has none.
    if (message == nullptr) return "";
    const FieldDescriptor* field =
        message->GetDescriptor()->FindFieldByName(steps[i].text);
    if (field == nullptr) return "";
    absl::StrAppend(&canonical, canonical.empty() ? "" : ".", field->name());
    if (field->message_type() == nullptr) {
      message = nullptr;
    } else if (!field->is_repeated()) {
      message = &message->GetReflection()->GetMessage(*message, field);
      const bool value = IsConstant(*field) && i + 2 == steps.size() &&
                         steps[i + 1].text == "value";
      if (value) return canonical;
    } else {
      int entry = 0;
      if (i + 1 == steps.size() ||
          !FindEntry(*message, *field, steps[++i], &entry).ok()) {
        return "";
      }
      absl::StrAppend(&canonical, "[", entry, "]");
      message =
          &message->GetReflection()->GetRepeatedMessage(*message, field, entry);
    }
  }
  return canonical;
}

void ForEachConstant(const Message& root,
                     absl::FunctionRef<void(const std::string&, const Constant&,
                                            const FieldDescriptor&)>
                         visit) {
  VisitConstants(root, "", visit);
}

}  // namespace tokenjoule
