#include "analyzer/description/textproto.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "analyzer/base/size_limits.h"
#include "analyzer/base/utf8.h"
#include "analyzer/base/visible.h"
#include "analyzer/description/formats.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/tokenizer.h"
#include "proto/options.pb.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::DescriptorPool;
using ::google::protobuf::EnumDescriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;
using ::google::protobuf::TextFormat;

constexpr int kMostSyntaxFaults = 50;

// A complaint of the protobuf parser, with a 0-based position.
struct Complaint {
  int line;
  int column;
  std::string message;

  bool operator<(const Complaint& other) const {
    return std::tie(line, column, message) <
           std::tie(other.line, other.column, other.message);
  }
};

// The parser reports unknown fields as warnings and continues; it stops after
// any error.
class Collector : public google::protobuf::io::ErrorCollector {
 public:
  // NOLINTBEGIN(modernize-use-override): each version of protobuf has two of these.
  // Called by protobuf up to version 25.
  void AddError(int line, int column, const std::string& message) {
    errors.push_back({line, column, message});
  }
  void AddWarning(int line, int column, const std::string& message) {
    warnings.insert({line, column, message});
  }
  // Called by protobuf from version 26 on.
  void RecordError(int line, int column, absl::string_view message) {
    AddError(line, column, std::string(message));
  }
  void RecordWarning(int line, int column, absl::string_view message) {
    AddWarning(line, column, std::string(message));
  }
  // NOLINTEND(modernize-use-override)

  std::vector<Complaint> errors;
  std::set<Complaint> warnings;
};

// The n-th quoted word of a message, without its quotes.
std::string Quoted(absl::string_view message, int n) {
  std::vector<std::string> parts = absl::StrSplit(message, '"');
  const size_t index = 2 * n + 1;
  return index < parts.size() ? parts[index] : "";
}

// Offset of a 0-based line in a text, or npos.
size_t LineBegin(const std::string& text, int line) {
  size_t begin = 0;
  for (int i = 0; i < line; ++i) {
    begin = text.find('\n', begin);
    if (begin == std::string::npos) return begin;
    ++begin;
  }
  return begin;
}

// The parser reports an unknown enum value at the token after it; this moves
// the complaint to the value.
void Relocate(const std::string& text, Complaint* complaint) {
  if (!absl::StrContains(complaint->message, "Unknown enumeration value")) {
    return;
  }
  const size_t line = LineBegin(text, complaint->line);
  if (line == std::string::npos) return;
  // The column counts a tab as eight, so search up to the end of the line.
  const size_t end = std::min(text.find('\n', line), text.size());
  const size_t at = text.rfind(Quoted(complaint->message, 0), end);
  if (at == std::string::npos) return;
  complaint->line = std::count(text.begin(), text.begin() + at, '\n');
  const size_t newline = text.rfind('\n', at);
  complaint->column = at - (newline == std::string::npos ? 0 : newline + 1);
}

// Fields that are gone, what stands in their place, and why.
struct MovedField {
  absl::string_view message, field, now;
  // Whether `now`, a path from the root, means the same.
  bool is_same = false;
  absl::string_view why = "software decides it";
  absl::string_view document = "docs/runtimes.md";
  // Field of the message that held the old one which means the same, and the
  // field beside it that is left without a part; empty if none does.
  absl::string_view same_here = "";
  absl::string_view nothing_left_for = "";
};
constexpr MovedField kMovedFields[] = {
    {"Hardware", "overheads", "runtime", true},
    {"Hardware", "overlap_fraction", "runtime.overlap_fraction", true},
    {"MemoryLevel", "usable_capacity_fraction", "runtime.memory_fraction",
     true},
    {"MemoryLevel", "cache_bandwidth_factor", "runtime.cache_bandwidth_share",
     true},
    {"MemoryLevel", "expert_bandwidth_factor",
     "runtime.expert_bandwidth_factor", true},
    {"MemoryLevel", "state_bandwidth_factor", "runtime.state_bandwidth_share",
     true},
    {"MemoryLevel", "cache_passes", "runtime.cache_passes", true},
    {"MemoryLevel", "activation_passes", "runtime.activation_passes", true},
    {"MemoryLevel", "cache_half_transfer_mb", "runtime.cache_half_transfer_mb",
     true},
    {"MemoryLevel", "stored", "runtime.kernels"},
    {"MemoryLevel", "phy_controller_energy_pj_per_bit",
     "phy_energy_pj_per_bit and path_energy_pj_per_bit", false,
     "what is known of it is stated apart from the rest", "docs/hardware.md",
     "path_energy_pj_per_bit", "phy_energy_pj_per_bit"},
};

// The entry of a complaint about an unknown field; nullptr if the field has not
// moved.
const MovedField* FindMoved(const Complaint& complaint,
                            const DescriptorPool& pool) {
  if (!absl::StrContains(complaint.message, "has no field named")) {
    return nullptr;
  }
  const Descriptor* type =
      pool.FindMessageTypeByName(Quoted(complaint.message, 0));
  for (const MovedField& moved : kMovedFields) {
    if (type != nullptr && type->name() == moved.message &&
        Quoted(complaint.message, 1) == moved.field) {
      return &moved;
    }
  }
  return nullptr;
}

// Offset of a position that the parser reports, whose columns count a tab up to
// the next multiple of eight; npos if there is none.
size_t OffsetOf(const std::string& text, int line, int column) {
  size_t at = LineBegin(text, line);
  if (at == std::string::npos) return at;
  for (int reached = 0; reached < column && at < text.size(); ++at) {
    reached = text[at] == '\t' ? (reached / 8 + 1) * 8 : reached + 1;
  }
  return at;
}

// The text between the braces of a group that opens at or after `at`; empty if
// there is no such group.
std::string InsideBraces(const std::string& text, size_t at) {
  const size_t open = text.find_first_not_of(": \t\r\n", at);
  if (open == std::string::npos || text[open] != '{') return "";
  int depth = 0;
  char quote = 0;
  for (size_t i = open; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
      continue;
    }
    if (c == '"' || c == '\'') quote = c;
    if (c == '#') i = std::min(text.find('\n', i), text.size() - 1);
    if (c == '{') ++depth;
    if (c == '}' && --depth == 0) return text.substr(open + 1, i - open - 1);
  }
  return "";
}

// The message of type `type` that holds a position of the file: the root, or an
// entry of one of its lists.
Message* HolderOf(absl::string_view type, const Complaint& complaint,
                  const TextFormat::ParseInfoTree& locations, Message* root) {
  if (root->GetDescriptor()->name() == type) return root;
  Message* holder = nullptr;
  for (int i = 0; i < root->GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = root->GetDescriptor()->field(i);
    if (!field->is_repeated() || field->message_type() == nullptr ||
        field->message_type()->name() != type) {
      continue;
    }
    const int size = root->GetReflection()->FieldSize(*root, field);
    for (int k = 0; k < size; ++k) {
      const auto at = locations.GetLocation(field, k);
      if (std::tie(at.line, at.column) <=
          std::tie(complaint.line, complaint.column)) {
        holder = root->GetReflection()->MutableRepeatedMessage(root, field, k);
      }
    }
  }
  return holder;
}

// Reads a moved field as the one that means the same now. Returns whether
// it did.
bool ReadMoved(const MovedField& moved, const Complaint& complaint,
               const std::string& text,
               const TextFormat::ParseInfoTree& locations, Message* root) {
  if (!moved.is_same && moved.same_here.empty()) return false;
  Message* holder = moved.is_same
                        ? root
                        : HolderOf(moved.message, complaint, locations, root);
  const std::string inside =
      InsideBraces(text, OffsetOf(text, complaint.line, complaint.column));
  if (holder == nullptr || inside.empty()) return false;
  const std::vector<std::string> steps =
      absl::StrSplit(moved.is_same ? moved.now : moved.same_here, '.');
  const FieldDescriptor* field = nullptr;
  for (const std::string& step : steps) {
    if (field != nullptr) {
      holder = holder->GetReflection()->MutableMessage(holder, field);
    }
    field = holder->GetDescriptor()->FindFieldByName(step);
    if (field == nullptr || field->message_type() == nullptr) return false;
  }
  const Reflection& reflection = *holder->GetReflection();
  // A group is merged, a constant must not be there yet.
  const bool is_group = steps.size() == 1 && moved.is_same;
  if (!is_group && reflection.HasField(*holder, field)) return false;
  Message* constant = reflection.MutableMessage(holder, field);
  const std::unique_ptr<Message> read(constant->New());
  TextFormat::Parser parser;
  Collector ignored;
  parser.RecordErrorsTo(&ignored);
  if (!parser.ParseFromString(inside, read.get())) {
    if (!is_group) reflection.ClearField(holder, field);
    return false;
  }
  constant->MergeFrom(*read);
  const FieldDescriptor* emptied = holder->GetDescriptor()->FindFieldByName(
      std::string(moved.nothing_left_for));
  if (emptied != nullptr && !reflection.HasField(*holder, emptied)) {
    Message* nothing = reflection.MutableMessage(holder, emptied);
    nothing->CopyFrom(*constant);
    for (const char* part : {"value", "low", "high"}) {
      const FieldDescriptor* number =
          nothing->GetDescriptor()->FindFieldByName(part);
      if (nothing->GetReflection()->HasField(*nothing, number)) {
        nothing->GetReflection()->SetDouble(nothing, number, 0);
      }
    }
  }
  return true;
}

// Rewrites the parser's message to say what was expected.
std::string Explain(const Complaint& complaint, const Message& root) {
  const DescriptorPool* pool = root.GetDescriptor()->file()->pool();
  if (absl::StrContains(complaint.message, "has no field named")) {
    const Descriptor* type =
        pool->FindMessageTypeByName(Quoted(complaint.message, 0));
    if (const MovedField* moved = FindMoved(complaint, *pool)) {
      return absl::StrCat("unknown field of ", moved->message, " \"",
                          moved->field, "\"; ", moved->why, ": give ",
                          moved->now, " (", moved->document, ")");
    }
    std::vector<std::string> names;
    for (int i = 0; type != nullptr && i < type->field_count(); ++i) {
      names.push_back(std::string(type->field(i)->name()));
    }
    return UnknownNameMessage(
        absl::StrCat("field of ", type ? type->name() : "message"),
        Quoted(complaint.message, 1), names, "");
  }
  if (absl::StrContains(complaint.message, "Unknown enumeration value")) {
    // The message of the field is not given, so list the values of any field
    // with this name.
    std::vector<std::string> names;
    const std::string field_name = Quoted(complaint.message, 1);
    std::vector<const Descriptor*> open = {root.GetDescriptor()};
    std::set<const Descriptor*> seen;
    while (!open.empty() && names.empty()) {
      const Descriptor* type = open.back();
      open.pop_back();
      if (!seen.insert(type).second) continue;
      for (int i = 0; i < type->field_count(); ++i) {
        const FieldDescriptor* field = type->field(i);
        if (field->message_type() != nullptr) {
          open.push_back(field->message_type());
        }
        if (field->name() != field_name || field->enum_type() == nullptr) {
          continue;
        }
        const EnumDescriptor* values = field->enum_type();
        for (int k = 1; k < values->value_count(); ++k) {
          names.push_back(std::string(values->value(k)->name()));
        }
      }
    }
    return UnknownNameMessage(absl::StrCat("value of ", field_name),
                              Quoted(complaint.message, 0), names, "");
  }
  // The parser quotes its input verbatim, so it may contain anything.
  return VisibleText(complaint.message);
}

// Blanks the line of a complaint if braces stay balanced, so that the rest can
// be parsed. Returns whether it did.
bool BlankLine(int line, std::string* text) {
  const size_t begin = LineBegin(*text, line);
  if (begin == std::string::npos) return false;
  const size_t end = std::min(text->find('\n', begin), text->size());
  int depth = 0;
  char quote = 0;
  bool blank = true;
  for (size_t i = begin; i < end; ++i) {
    const char c = (*text)[i];
    if (c != ' ') blank = false;
    if (quote != 0) {
      if (c == quote) quote = 0;
      continue;
    }
    if (c == '"' || c == '\'') quote = c;
    if (c == '#') break;
    if (c == '{' || c == '<' || c == '[') ++depth;
    if (c == '}' || c == '>' || c == ']') --depth;
    if (depth < 0) return false;
  }
  if (depth != 0 || blank) return false;
  std::fill(text->begin() + begin, text->begin() + end, ' ');
  return true;
}

// Replaces number formats, however they are spelt, by their names, and -0 by 0, as
// ParseNumber reads it.
void Normalize(Message* message) {
  const Descriptor& type = *message->GetDescriptor();
  const Reflection& reflection = *message->GetReflection();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->message_type() != nullptr) {
      if (field->is_repeated()) {
        for (int k = 0; k < reflection.FieldSize(*message, field); ++k) {
          Normalize(reflection.MutableRepeatedMessage(message, field, k));
        }
      } else if (reflection.HasField(*message, field)) {
        Normalize(reflection.MutableMessage(message, field));
      }
    } else if (!field->is_repeated() && reflection.HasField(*message, field) &&
               field->options().GetExtension(name_of) == NUMBER_FORMAT) {
      reflection.SetString(message, field,
                           FormatName(reflection.GetString(*message, field)));
    } else if (!field->is_repeated() &&
               field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE &&
               reflection.GetDouble(*message, field) == 0 &&
               std::signbit(reflection.GetDouble(*message, field))) {
      reflection.SetDouble(message, field, 0);
    }
  }
}

}  // namespace

bool ParseTextproto(absl::string_view text, absl::string_view file,
                    Message* message,
                    std::unique_ptr<FieldLocations>* locations,
                    std::vector<Fault>* faults, std::vector<Fault>* moved) {
  const size_t before = faults->size();
  *locations = std::make_unique<FieldLocations>();
  if (text.size() > kMaxFileBytes) {
    faults->push_back({std::string(file), 0, 0, "",
                       absl::StrCat("is ", text.size(),
                                    " bytes long; a description has at most ",
                                    kMaxFileBytes)});
    return false;
  }
  if (!IsUtf8(text)) {
    faults->push_back({std::string(file), 0, 0, "",
                       "is not UTF-8 text; expected a textproto"});
    return false;
  }

  std::string rest(text);
  std::set<Complaint> complaints;
  for (int round = 0; round < kMostSyntaxFaults; ++round) {
    Collector collector;
    TextFormat::Parser parser;
    parser.RecordErrorsTo(&collector);
    parser.AllowUnknownField(true);
    parser.SetRecursionLimit(kMaxNesting);
    *locations = std::make_unique<FieldLocations>();
    parser.WriteLocationsTo(locations->get());
    message->Clear();
    parser.ParseFromString(rest, message);
    for (Complaint& error : collector.errors) Relocate(rest, &error);
    complaints.insert(collector.warnings.begin(), collector.warnings.end());
    complaints.insert(collector.errors.begin(), collector.errors.end());
    if (collector.errors.empty() ||
        !BlankLine(collector.errors.front().line, &rest)) {
      break;
    }
  }
  Normalize(message);
  const DescriptorPool& pool = *message->GetDescriptor()->file()->pool();
  for (const Complaint& complaint : complaints) {
    const MovedField* old =
        moved == nullptr ? nullptr : FindMoved(complaint, pool);
    if (old != nullptr &&
        ReadMoved(*old, complaint, std::string(text), **locations, message)) {
      moved->push_back(
          {std::string(file), complaint.line + 1, complaint.column + 1, "",
           absl::StrCat("\"", old->field, "\" of ", old->message, " is now ",
                        old->now, ", and is read as ",
                        old->same_here.empty() ? "that" : old->same_here, " (",
                        old->document, ")")});
      continue;
    }
    // Finding the nearest name takes its time, and what nobody reads needs none.
    const bool is_read = faults->size() < before + kMostPrintedFaults;
    faults->push_back({std::string(file), complaint.line + 1,
                       complaint.column + 1, "",
                       is_read ? Explain(complaint, *message) : ""});
  }
  return faults->size() == before;
}

std::string PrintTextproto(const Message& message) {
  TextFormat::Printer printer;
  std::string out;
  // Letters of every script can be read, unless a text is not UTF-8: a textproto is.
  for (const bool as_letters : {true, false}) {
    printer.SetUseUtf8StringEscaping(as_letters);
    printer.PrintToString(message, &out);
    if (IsUtf8(out)) break;
  }
  return out;
}

std::string QuotedText(absl::string_view text) {
  return absl::StrCat(
      "\"",
      IsUtf8(text) ? absl::Utf8SafeCEscape(text) : absl::CEscape(text), "\"");
}

}  // namespace tokenjoule
