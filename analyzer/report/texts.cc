#include "analyzer/report/texts.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "analyzer/base/visible.h"
#include "analyzer/report/markdown.h"
#include "google/protobuf/descriptor.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;

bool IsText(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
}

// Visits the texts of messages. Fields without texts are not looked at, because
// large answers consist of numbers.
class TextVisitor {
 public:
  explicit TextVisitor(const TextLanguage& language) : language_(language) {}

  bool Changes(const Message& message) {
    const Reflection& reflection = *message.GetReflection();
    std::string scratch;
    for (const FieldDescriptor* field : FieldsOf(*message.GetDescriptor())) {
      const int size = field->is_repeated()
                           ? reflection.FieldSize(message, field)
                           : reflection.HasField(message, field);
      for (int i = 0; i < size; ++i) {
        if (IsText(*field)) {
          const std::string& text =
              field->is_repeated()
                  ? reflection.GetRepeatedStringReference(message, field, i,
                                                          &scratch)
                  : reflection.GetStringReference(message, field, &scratch);
          if (Escaped(*field, text) != text) return true;
        } else if (Changes(
                       field->is_repeated()
                           ? reflection.GetRepeatedMessage(message, field, i)
                           : reflection.GetMessage(message, field))) {
          return true;
        }
      }
    }
    return false;
  }

  void Escape(Message* message) {
    const Reflection& reflection = *message->GetReflection();
    for (const FieldDescriptor* field : FieldsOf(*message->GetDescriptor())) {
      const int size = field->is_repeated()
                           ? reflection.FieldSize(*message, field)
                           : reflection.HasField(*message, field);
      for (int i = 0; i < size; ++i) {
        if (!IsText(*field)) {
          Escape(field->is_repeated()
                     ? reflection.MutableRepeatedMessage(message, field, i)
                     : reflection.MutableMessage(message, field));
        } else if (field->is_repeated()) {
          reflection.SetRepeatedString(
              message, field, i,
              Escaped(*field,
                      reflection.GetRepeatedString(*message, field, i)));
        } else {
          reflection.SetString(
              message, field,
              Escaped(*field, reflection.GetString(*message, field)));
        }
      }
    }
  }

 private:
  std::string Escaped(const FieldDescriptor& field,
                      absl::string_view text) const {
    const bool has_lines = field.name() == "formula" ||
                           field.name() == "summary" ||
                           field.name() == "reason";
    return has_lines ? language_.lines(text) : language_.text(text);
  }

  // The fields of a message that are texts or messages that have texts.
  const std::vector<const FieldDescriptor*>& FieldsOf(const Descriptor& type) {
    const auto known = fields_.find(&type);
    if (known != fields_.end()) return *known->second;
    // Put in before it is filled in, with an entry that says that there are
    // texts: a message may hold messages of its own kind.
    fields_[&type] =
        std::make_unique<std::vector<const FieldDescriptor*>>(1, nullptr);
    std::vector<const FieldDescriptor*> found;
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor* field = type.field(i);
      const Descriptor* below = field->message_type();
      if (IsText(*field) || (below != nullptr && !FieldsOf(*below).empty())) {
        found.push_back(field);
      }
    }
    std::vector<const FieldDescriptor*>& kept = *fields_[&type];
    kept = std::move(found);
    return kept;
  }

  const TextLanguage language_;
  absl::flat_hash_map<const Descriptor*,
                      std::unique_ptr<std::vector<const FieldDescriptor*>>>
      fields_;
};

}  // namespace

const TextLanguage kTableTexts = {VisibleText, VisibleLines};
const TextLanguage kJsonTexts = {ValidUtf8, ValidUtf8};
const TextLanguage kMarkdownTexts = {MarkdownText, MarkdownText};

void EscapeTexts(const TextLanguage& language, Message* message) {
  TextVisitor(language).Escape(message);
}

bool ChangesTexts(const TextLanguage& language, const Message& message) {
  return TextVisitor(language).Changes(message);
}

}  // namespace tokenjoule
