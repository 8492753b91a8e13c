#include "analyzer/description/measurements.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "analyzer/base/status_macros.h"
#include "analyzer/description/catalog.h"
#include "analyzer/description/documents.h"
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
// and line breaks (RFC 4180). A quotation mark that is never closed, or text
// after a closing one, is a fault: what follows would be read as something else.
std::vector<std::vector<Cell>> SplitCsv(absl::string_view text,
                                        absl::string_view file,
                                        std::vector<Fault>* faults) {
  std::vector<std::vector<Cell>> rows;
  std::vector<Cell> row;
  Cell cell;
  int line = 1, column = 1;
  // Where the cell stands: before its text, in bare text, within quotation marks,
  // or after the closing one.
  enum { kStart, kBare, kQuoted, kClosed } state = kStart;
  const auto end_cell = [&] {
    row.push_back(std::move(cell));
    cell = {"", line, column + 1};
    state = kStart;
  };
  const auto add_fault = [&](int at_line, int at_column, const char* message) {
    faults->push_back(
        {std::string(file), at_line, at_column, "", std::string(message)});
  };
  for (size_t i = 0; i < text.size(); ++i, ++column) {
    const char c = text[i];
    if (state == kQuoted) {
      if (c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
        cell.text += '"';
        ++i, ++column;
      } else if (c == '"') {
        state = kClosed;
      } else {
        cell.text += c;
      }
    } else if (c == '"' && state == kStart) {
      state = kQuoted;
    } else if (c == ',') {
      end_cell();
    } else if (c == '\n') {
      end_cell();
      const bool blank = row.size() == 1 && row[0].text.empty();
      if (!blank) rows.push_back(std::move(row));
      row.clear();
      cell = {"", line + 1, 1};
    } else if (c != '\r') {
      if (state == kClosed) {
        add_fault(line, column,
                  "text after a closing quotation mark; a mark within a quoted "
                  "cell is written twice");
        return {};
      }
      cell.text += c;
      state = kBare;
    }
    if (c == '\n') ++line, column = 0;
  }
  if (state == kQuoted) {
    add_fault(cell.line, cell.column, "this quotation mark is never closed");
    return {};
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
// silently, and so would the first of two columns of one name.
void CheckHeader(absl::string_view file, const std::vector<Cell>& header,
                 std::vector<Fault>* faults) {
  const std::vector<std::string> names = ColumnNames();
  std::set<std::string> seen;
  for (const Cell& cell : header) {
    // Nobody reads more faults, each of which takes a search for a near name.
    if (faults->size() >= kMostPrintedFaults) break;
    if (!absl::c_linear_search(names, cell.text)) {
      faults->push_back(FaultAt(
          file, cell, "", UnknownNameMessage("column", cell.text, names, "")));
    } else if (!seen.insert(cell.text).second) {
      faults->push_back(
          FaultAt(file, cell, cell.text, "is a column twice; remove one"));
    }
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
  const auto notes = [&](absl::string_view words) {
    return absl::StrContains(row->note(), words);
  };
  if (notes("static batch") || notes("the one prefill")) {
    row->set_static_batch(true);
  }
  if (notes("batch not published") || notes("probably")) {
    row->set_uncertain(true);
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
  std::vector<Fault> faults;
  std::vector<std::vector<Cell>> rows = SplitCsv(text, file, &faults);
  RETURN_IF_ERROR(FaultsToStatus(faults));
  if (rows.empty()) {
    faults.push_back(
        {std::string(file), 0, 0, "", "is empty; expected a header and rows"});
    return FaultsToStatus(faults);
  }
  CheckHeader(file, rows[0], &faults);
  if (rows.size() == 1) {
    faults.push_back(
        {std::string(file), 0, 0, "", "has a header but no rows"});
  }
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
  ValidateFields(set, {file, locations.get(), false}, &faults);
  RETURN_IF_ERROR(FaultsToStatus(faults));
  for (Measurement& row : *set.mutable_row()) {
    Measurement full = set.defaults();
    full.MergeFrom(row);
    row = std::move(full);
  }
  set.clear_defaults();
  ValidateFields(set, {file, nullptr, whole}, &faults);
  RETURN_IF_ERROR(FaultsToStatus(faults));
  return set;
}

namespace {

// The files with each folder replaced by its textprotos, sorted by name.
std::vector<std::string> WithoutFolders(const std::vector<std::string>& files) {
  std::vector<std::string> all;
  for (const std::string& file : files) {
    std::error_code error;
    if (!FilesAreOpen() || !std::filesystem::is_directory(file, error)) {
      all.push_back(file);
      continue;
    }
    std::vector<std::string> inside;
    for (const auto& entry : std::filesystem::directory_iterator(file, error)) {
      const std::string path = entry.path().string();
      if (absl::EndsWith(path, ".textproto")) inside.push_back(path);
    }
    std::sort(inside.begin(), inside.end());
    all.insert(all.end(), inside.begin(), inside.end());
  }
  return all;
}

}  // namespace

absl::StatusOr<MeasurementSet> LoadMeasurements(
    const std::vector<std::string>& files) {
  MeasurementSet all;
  std::vector<std::string> names, faults;
  for (const std::string& file : WithoutFolders(files)) {
    const absl::StatusOr<MeasurementSet> set = LoadMeasurements(file);
    if (!set.ok()) {
      faults.emplace_back(set.status().message());
      continue;
    }
    all.mutable_row()->MergeFrom(set->row());
    all.mutable_stream()->MergeFrom(set->stream());
    names.push_back(set->description());
  }
  if (!faults.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  }
  all.set_description(names.size() == 1 ? names[0]
                                        : absl::StrCat(names.size(), " files"));
  return all;
}

}  // namespace tokenjoule
