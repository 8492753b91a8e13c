#include "analyzer/report/csv.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
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

// A field of an answer that does not exist where another one is zero or false, as
// its comment in the schema says.
struct AbsentWithout {
  const char* message;
  const char* field;
  const char* witness;
};

constexpr AbsentWithout kAbsentWithout[] = {
    // Mixed serving.
    {"Report", "pure_step_time_s", "admitting_share"},
    {"Report", "admitting_step_time_s", "admitting_share"},
    {"Report", "admitting_share", "admitting_share"},
    {"Report", "time_to_first_token_s", "time_to_first_token_s"},
    {"Report", "core_clock_mhz", "core_clock_mhz"},
    {"Report", "set_core_clock_mhz", "set_core_clock_mhz"},
    // Nothing crosses the interface of a memory that is all on the chip.
    {"Report", "arithmetic_intensity_flop_per_byte",
     "arithmetic_intensity_flop_per_byte"},
    {"Factorization", "memory_accesses_per_operation",
     "memory_accesses_per_operation"},
    {"Factorization", "energy_per_access_j", "memory_accesses_per_operation"},
    {"Report", "area_mm2", "area_mm2"},
    {"Report", "cost_usd", "cost_usd"},
    {"QualityEstimate", "loss", "loss"},
    {"QualityEstimate", "rounding_loss", "loss"},
    {"QualityEstimate", "training_tokens", "training_tokens"},
    {"CheckedMetric", "low", "high"},
    {"CheckedMetric", "high", "high"},
    {"CheckedMetric", "baseline", "baseline"},
    {"CheckedMetric", "change", "baseline"},
    {"Trick", "energy_per_token_j", "applies"},
    {"Trick", "gain", "applies"},
    {"Trick", "gain_orders_of_magnitude", "applies"},
    {"Trick", "fits", "applies"},
    {"Trick", "batch", "applies"},
    {"Ceiling", "gain", "gain"},
    {"Ceiling", "gain_orders_of_magnitude", "gain"},
    {"Ceiling", "product_of_gains", "product_of_gains"},
    {"Ceiling", "speedup", "speedup"},
    {"SweepFigures", "area_mm2", "area_mm2"},
    {"SweepFigures", "cost_usd", "cost_usd"},
    {"SweepFigures", "stack_layers", "stack_layers"},
    {"SweepFigures", "power_density_w_per_cm2", "stack_layers"},
    {"SweepFigures", "stack_temperature_c", "stack_layers"},
    {"SweepFigures", "engine_tops_per_w", "engine_tops_per_w"},
    {"SweepFigures", "effective_parameters", "effective_parameters"},
    {"SweepFigures", "loss", "loss"},
    {"DotProductPanel", "year", "year"},
    {"DotProductPanel", "node_nm", "node_nm"},
    {"TunedPoint", "cost_per_token", "cost_per_token"},
    {"ValidatedRow", "measured_step_time_s", "measured_step_time_s"},
    {"ValidatedRow", "step_time_error", "measured_step_time_s"},
    {"ValidatedRow", "measured_energy_per_token_j",
     "measured_energy_per_token_j"},
    {"ValidatedRow", "energy_error", "measured_energy_per_token_j"},
    {"ValidatedRow", "measured_memory_w", "measured_memory_w"},
    {"ValidatedRow", "predicted_memory_w", "measured_memory_w"},
    {"ValidatedRow", "memory_error", "measured_memory_w"},
    {"FittedConstant", "standard_error", "standard_error"},
};

using Witnesses =
    absl::flat_hash_map<const FieldDescriptor*, const FieldDescriptor*>;

// The witness of each field that has one. Both ends of a range have the upper end:
// it is zero where no range was computed.
const FieldDescriptor* WitnessOf(const FieldDescriptor* field) {
  static const auto* const kWitnesses = [] {
    auto* witnesses = new Witnesses;
    const auto* pool = google::protobuf::DescriptorPool::generated_pool();
    for (const AbsentWithout& row : kAbsentWithout) {
      const auto* message = pool->FindMessageTypeByName(
          absl::StrCat("tokenjoule.", row.message));
      if (message == nullptr) continue;
      (*witnesses)[message->FindFieldByName(row.field)] =
          message->FindFieldByName(row.witness);
    }
    return witnesses;
  }();
  const auto found = kWitnesses->find(field);
  if (found != kWitnesses->end()) return found->second;
  std::string name(field->name());
  if (absl::EndsWith(name, "_low")) {
    name.replace(name.size() - 3, 3, "high");
  } else if (!absl::EndsWith(name, "_high")) {
    return nullptr;
  }
  return field->containing_type()->FindFieldByName(name);
}

bool IsZero(const Message& message, const FieldDescriptor* field) {
  const Reflection& reflection = *message.GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection.GetDouble(message, field) == 0;
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.GetInt32(message, field) == 0;
    case FieldDescriptor::CPPTYPE_BOOL:
      return !reflection.GetBool(message, field);
    default:
      return false;
  }
}

}  // namespace

bool IsAbsent(const Message& message, const FieldDescriptor* field) {
  // What an answer does not have is not 0.
  const FieldDescriptor* const witness = WitnessOf(field);
  return (field->has_presence() &&
          !message.GetReflection()->HasField(message, field)) ||
         (witness != nullptr && IsZero(message, witness));
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
    const bool is_absent = absent || IsAbsent(message, field);
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
