#include "analyzer/report/csv.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "google/protobuf/descriptor.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;

// Quotes a cell if it needs quotes (RFC 4180).
std::string Quoted(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

}  // namespace

std::string CsvNumber(double value) {
  for (const int digits : {15, 17}) {
    const std::string text = absl::StrFormat("%.*g", digits, value);
    double read = 0;
    if (digits == 17 || (absl::SimpleAtod(text, &read) && read == value)) {
      return text;
    }
  }
  return "";
}

namespace {

// Adds the fields of a message, with empty cells if it is `absent`.
void AddFields(const Message& message, const std::string& prefix, bool absent,
               std::vector<CsvCell>* cells) {
  const Reflection& reflection = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message.GetDescriptor()->field(i);
    if (field->is_repeated()) continue;
    const std::string column = absl::StrCat(prefix, field->name());
    // What an answer does not have is not 0.
    const bool is_absent =
        absent || (field->has_presence() && !reflection.HasField(message, field));
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE && is_absent) {
      cells->push_back({column, ""});
      continue;
    }
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        AddFields(reflection.GetMessage(message, field), column + ".", is_absent,
                  cells);
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        cells->push_back(
            {column, CsvNumber(reflection.GetDouble(message, field))});
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        cells->push_back(
            {column, absl::StrCat(reflection.GetInt32(message, field))});
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        cells->push_back(
            {column, reflection.GetBool(message, field) ? "true" : "false"});
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        cells->push_back(
            {column, std::string(reflection.GetEnum(message, field)->name())});
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        cells->push_back({column, reflection.GetString(message, field)});
        break;
      default:
        break;
    }
  }
}

}  // namespace

void AddScalars(const Message& message, const std::string& prefix,
                std::vector<CsvCell>* cells) {
  AddFields(message, prefix, /*absent=*/false, cells);
}

void CsvWriter::AddRow(const std::vector<CsvCell>& cells) {
  if (out_.empty()) {
    absl::StrAppend(&out_,
                    absl::StrJoin(cells, ",",
                                  [](std::string* out, const CsvCell& c) {
                                    out->append(Quoted(c.column));
                                  }),
                    "\n");
  }
  absl::StrAppend(&out_,
                  absl::StrJoin(cells, ",",
                                [](std::string* out, const CsvCell& c) {
                                  out->append(Quoted(c.text));
                                }),
                  "\n");
}

}  // namespace tokenjoule
