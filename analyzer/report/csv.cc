#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "analyzer/report/report.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;

// A column name and its cell.
struct Cell {
  std::string column;
  std::string text;
};

std::string Number(double value) {
  // As few digits as read back as the same number, as in the JSON.
  for (const int digits : {15, 17}) {
    const std::string text = absl::StrFormat("%.*g", digits, value);
    double read = 0;
    if (digits == 17 || (absl::SimpleAtod(text, &read) && read == value)) {
      return text;
    }
  }
  return "";
}

// Quotes a cell where it needs quotes (RFC 4180).
std::string Quoted(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

// Every scalar of a message, those of its groups with the group's name before.
void AddScalars(const Message& message, const std::string& prefix,
                std::vector<Cell>* cells) {
  const Reflection& reflection = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message.GetDescriptor()->field(i);
    if (field->is_repeated()) continue;
    const std::string column = absl::StrCat(prefix, field->name());
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        AddScalars(reflection.GetMessage(message, field), column + ".", cells);
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        cells->push_back(
            {column, Number(reflection.GetDouble(message, field))});
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

std::vector<Cell> ReportCells(const Report& report) {
  std::vector<Cell> cells;
  AddScalars(report, "", &cells);
  for (const BoundaryEnergy& energy : report.energy_by_boundary()) {
    cells.push_back({absl::StrCat("energy_by_boundary.", energy.boundary()),
                     Number(energy.energy_per_token_j())});
  }
  for (const DramShare& share : report.dram_share_by_boundary()) {
    cells.push_back({absl::StrCat("dram_share_by_boundary.", share.boundary()),
                     Number(share.dram_energy_share())});
  }
  for (const EnergyTerm& term : report.energy_terms()) {
    const std::string name = absl::StrCat(
        "energy_terms.", absl::AsciiStrToLower(Term::Value_Name(term.term())));
    cells.push_back({name, Number(term.energy_per_token_j())});
    cells.push_back({name + ".low", Number(term.low())});
    cells.push_back({name + ".high", Number(term.high())});
  }
  cells.push_back({"warnings", absl::StrJoin(report.warnings(), "; ")});
  return cells;
}

// A table whose rows have the same columns.
class CsvWriter {
 public:
  void AddRow(const std::vector<Cell>& cells) {
    if (out_.empty()) {
      absl::StrAppend(&out_,
                      absl::StrJoin(cells, ",",
                                    [](std::string* out, const Cell& c) {
                                      out->append(Quoted(c.column));
                                    }),
                      "\n");
    }
    absl::StrAppend(&out_,
                    absl::StrJoin(cells, ",",
                                  [](std::string* out, const Cell& c) {
                                    out->append(Quoted(c.text));
                                  }),
                    "\n");
  }
  const std::string& text() const { return out_; }

 private:
  std::string out_;
};

// Rows of any repeated message field.
template <typename Entries>
std::string EntriesCsv(const Entries& entries) {
  CsvWriter writer;
  for (const auto& entry : entries) {
    std::vector<Cell> cells;
    AddScalars(entry, "", &cells);
    writer.AddRow(cells);
  }
  return writer.text();
}

}  // namespace

std::string ReportCsv(const Report& report) {
  CsvWriter writer;
  writer.AddRow(ReportCells(report));
  return writer.text();
}

std::string BatchCsv(const BatchStudy& study) {
  CsvWriter writer;
  for (const Report& row : study.rows()) writer.AddRow(ReportCells(row));
  return writer.text();
}

std::string TricksCsv(const TrickStudy& study) {
  CsvWriter writer;
  for (const Trick& trick : study.tricks()) {
    std::vector<Cell> cells = {{"list", "alone"}};
    AddScalars(trick, "", &cells);
    cells.push_back({"total_gain", Number(trick.gain())});
    writer.AddRow(cells);
  }
  for (const TrickStep& step : study.stack()) {
    // The columns of a trick by itself.
    Trick trick;
    trick.set_name(step.name());
    trick.set_applies(true);
    trick.set_energy_per_token_j(step.energy_per_token_j());
    trick.set_gain(step.gain());
    trick.set_gain_orders_of_magnitude(step.gain_orders_of_magnitude());
    trick.set_fits(step.fits());
    trick.set_batch(step.batch());
    std::vector<Cell> cells = {{"list", "stack"}};
    AddScalars(trick, "", &cells);
    cells.push_back({"total_gain", Number(step.total_gain())});
    writer.AddRow(cells);
  }
  return writer.text();
}

std::string DotProductCsv(const DotProductStudy& study) {
  return EntriesCsv(study.rows());
}

std::string ValidationCsv(const Validation& validation) {
  return EntriesCsv(validation.rows());
}

std::string CalibrationCsv(const Calibration& calibration) {
  return EntriesCsv(calibration.constants());
}

std::string ComparisonCsv(const Comparison& comparison) {
  CsvWriter writer;
  for (const TermChange& term : comparison.terms()) {
    for (const CauseChange& cause : term.causes()) {
      std::vector<Cell> cells = {{"term", Term::Value_Name(term.term())}};
      AddScalars(cause, "", &cells);
      writer.AddRow(cells);
    }
  }
  return writer.text();
}

std::string CheckCsv(const CheckResult& result) {
  return EntriesCsv(result.metrics());
}

std::string CeilingCsv(const CeilingStudy& study) {
  CsvWriter writer;
  for (const Ceiling& ceiling : study.ceilings()) {
    std::vector<Cell> cells = {{"free", absl::StrJoin(ceiling.free(), " + ")}};
    AddScalars(ceiling, "", &cells);
    writer.AddRow(cells);
  }
  return writer.text();
}

std::string SweepCsv(const SweepStudy& study) {
  CsvWriter writer;
  for (const SweepPoint& point : study.front()) {
    std::vector<Cell> cells = {{"id", Number(point.id())}};
    for (int i = 0; i < study.axes_size(); ++i) {
      cells.push_back({study.axes(i), point.values(i)});
    }
    AddScalars(point.figures(), "", &cells);
    writer.AddRow(cells);
  }
  return writer.text();
}

std::string SensitivityCsv(const SensitivityStudy& study) {
  return EntriesCsv(study.elasticities());
}

std::string ListingCsv(const Listing& listing) {
  return EntriesCsv(listing.entries());
}

std::string ExplanationCsv(const Explanation& explanation) {
  return EntriesCsv(explanation.entries());
}

}  // namespace tokenjoule
