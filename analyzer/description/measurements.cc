#include "analyzer/description/measurements.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/faults.h"
#include "analyzer/description/field_path.h"
#include "analyzer/description/textproto.h"
#include "analyzer/description/validate.h"
#include "google/protobuf/descriptor.h"

namespace tokenjoule {
namespace {

// A cell and its 1-based position.
struct Cell {
  std::string text;
  int line = 1;
  int column = 1;
};

// Splits a CSV into rows of cells; quoted cells may hold commas, doubled quotes
// and line breaks.
std::vector<std::vector<Cell>> SplitCsv(absl::string_view text) {
  std::vector<std::vector<Cell>> rows;
  std::vector<Cell> row;
  Cell cell;
  int line = 1, column = 1;
  bool quoted = false;
  const auto end_cell = [&] {
    row.push_back(std::move(cell));
    cell = {"", line, column + 1};
  };
  for (size_t i = 0; i < text.size(); ++i, ++column) {
    const char c = text[i];
    if (quoted) {
      if (c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
        cell.text += '"';
        ++i, ++column;
      } else if (c == '"') {
        quoted = false;
      } else {
        cell.text += c;
      }
    } else if (c == '"' && cell.text.empty()) {
      quoted = true;
    } else if (c == ',') {
      end_cell();
    } else if (c == '\n') {
      end_cell();
      const bool blank = row.size() == 1 && row[0].text.empty();
      if (!blank) rows.push_back(std::move(row));
      row.clear();
      cell = {"", line + 1, 1};
    } else if (c != '\r') {
      cell.text += c;
    }
    if (c == '\n') ++line, column = 0;
  }
  if (!cell.text.empty() || !row.empty()) {
    row.push_back(std::move(cell));
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<std::string> ColumnNames() {
  std::vector<std::string> names;
  const auto* type = Measurement::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    names.push_back(std::string(type->field(i)->name()));
  }
  return names;
}

Fault FaultAt(absl::string_view file, const Cell& cell, std::string path,
              std::string message) {
  return {std::string(file), cell.line, cell.column, std::move(path),
          std::move(message)};
}

// Checks the header, because an unknown column would otherwise be ignored
// silently.
void CheckHeader(absl::string_view file, const std::vector<Cell>& header,
                 std::vector<Fault>* faults) {
  const std::vector<std::string> names = ColumnNames();
  for (const Cell& cell : header) {
    bool known = false;
    for (const std::string& name : names) known |= name == cell.text;
    if (known) continue;
    faults->push_back(FaultAt(
        file, cell, "", UnknownNameMessage("column", cell.text, names, "")));
  }
}

void ReadRow(absl::string_view file, const std::vector<Cell>& header,
             const std::vector<Cell>& cells, Measurement* row,
             std::vector<Fault>* faults) {
  if (cells.size() != header.size()) {
    faults->push_back(
        FaultAt(file, cells[0], "",
                absl::StrCat("has ", cells.size(), " cells; the header has ",
                             header.size())));
    return;
  }
  for (size_t i = 0; i < cells.size(); ++i) {
    if (cells[i].text.empty()) continue;
    const absl::Status status =
        SetField(row, header[i].text, cells[i].text, "");
    if (!status.ok()) {
      faults->push_back(FaultAt(file, cells[i], header[i].text,
                                std::string(status.message())));
    }
  }
  if (absl::StrContains(row->note(), "host-bound")) row->set_host_bound(true);
  if (absl::StrContains(row->source(), "eager") ||
      absl::StrContains(row->note(), "eager")) {
    row->set_eager(true);
  }
  std::vector<Fault> invalid;
  ValidateFields(*row, {file, nullptr, true}, &invalid);
  for (Fault& fault : invalid) {
    fault.line = cells[0].line;
    fault.column = 1;
    faults->push_back(std::move(fault));
  }
}

}  // namespace

absl::StatusOr<MeasurementSet> ParseMeasurementsCsv(absl::string_view text,
                                                    absl::string_view file) {
  constexpr size_t kMostFaults = 100;
  std::vector<std::vector<Cell>> rows = SplitCsv(text);
  std::vector<Fault> faults;
  if (rows.empty()) {
    faults.push_back(
        {std::string(file), 0, 0, "", "is empty; expected a header and rows"});
    return FaultsToStatus(faults);
  }
  CheckHeader(file, rows[0], &faults);
  RETURN_IF_ERROR(FaultsToStatus(faults));
  MeasurementSet set;
  set.set_description(std::string(file));
  for (size_t i = 1; i < rows.size() && faults.size() < kMostFaults; ++i) {
    ReadRow(file, rows[0], rows[i], set.add_row(), &faults);
  }
  RETURN_IF_ERROR(FaultsToStatus(faults));
  return set;
}

absl::StatusOr<MeasurementSet> LoadMeasurements(absl::string_view file) {
  const std::string path(file);
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  if (!absl::EndsWith(file, ".textproto")) {
    return ParseMeasurementsCsv(text, file);
  }
  MeasurementSet set;
  std::unique_ptr<FieldLocations> locations;
  std::vector<Fault> faults;
  const bool whole = ParseTextproto(text, file, &set, &locations, &faults);
  ValidateFields(set, {file, locations.get(), whole}, &faults);
  RETURN_IF_ERROR(FaultsToStatus(faults));
  return set;
}

}  // namespace tokenjoule
