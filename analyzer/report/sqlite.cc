#include "analyzer/report/sqlite.h"

#include <sqlite3.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "analyzer/report/csv.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace tokenjoule {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;

// `PRAGMA user_version` of the file. It changes when a table or a column is
// renamed or changes its meaning.
constexpr int kSchemaVersion = 1;

// Larger whole numbers are not all exact as doubles.
constexpr double kMostId = 9007199254740992;

// A value; std::monostate is NULL.
using Cell = std::variant<std::monostate, int64_t, double, std::string>;

struct Column {
  std::string name;
  std::string type;
};

// Replaces NUL by U+FFFD, because SQLite does not define the result for text
// that contains a NUL.
std::string WithoutNul(absl::string_view text) {
  return absl::StrReplaceAll(text,
                             {{absl::string_view("\0", 1), "\xEF\xBF\xBD"}});
}

std::string Identifier(absl::string_view name) {
  return absl::StrCat("\"", absl::StrReplaceAll(name, {{"\"", "\"\""}}), "\"");
}

// A database in memory, written in one transaction. After the first failure all
// calls do nothing; Bytes() returns the error.
class Database {
 public:
  Database() {
    Check(sqlite3_open_v2(":memory:", &db_,
                          SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr),
          "open a database");
    Execute(absl::StrCat("BEGIN; PRAGMA user_version = ", kSchemaVersion),
            "begin a transaction");
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() {
    // Only repeats the error of the last step.
    (void)sqlite3_finalize(insert_);
    // No statement is open any more, so that the database cannot be busy.
    (void)sqlite3_close(db_);
  }

  void Fail(const std::string& message) {
    if (status_.ok()) status_ = absl::InvalidArgumentError(message);
  }

  // The largest number of columns that a table may have.
  int MostColumns() const {
    return status_.ok() ? sqlite3_limit(db_, SQLITE_LIMIT_COLUMN, -1) : 0;
  }

  // AddRow adds a row to the table that was created last.
  void CreateTable(const std::string& name, const std::vector<Column>& columns);
  void AddRow(const std::vector<Cell>& row);

  // Ends the transaction and returns the bytes of the file as they would be on
  // disk.
  absl::StatusOr<std::string> Bytes();

 private:
  void Check(int code, absl::string_view doing) {
    if (code != SQLITE_OK) FailWith(code, doing);
  }
  void FailWith(int code, absl::string_view doing) {
    Fail(absl::StrCat("SQLite cannot ", doing, ": ",
                      code == SQLITE_NOMEM || db_ == nullptr
                          ? sqlite3_errstr(code)
                          : sqlite3_errmsg(db_)));
  }
  void Execute(const std::string& sql, absl::string_view doing) {
    if (!status_.ok()) return;
    Check(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr), doing);
  }
  int Bind(int index, const Cell& cell);

  sqlite3* db_ = nullptr;
  // Into `table_`.
  sqlite3_stmt* insert_ = nullptr;
  std::string table_;
  absl::Status status_;
};

void Database::CreateTable(const std::string& name,
                           const std::vector<Column>& columns) {
  const auto declare = [](std::string* out, const Column& column) {
    absl::StrAppend(out, Identifier(column.name), " ", column.type);
  };
  const std::string doing = absl::StrCat("create the table ", name);
  Execute(absl::StrCat("CREATE TABLE ", name, " (",
                       absl::StrJoin(columns, ", ", declare), ")"),
          doing);
  if (!status_.ok()) return;
  (void)sqlite3_finalize(insert_);
  insert_ = nullptr;
  table_ = name;
  const std::string sql = absl::StrCat(
      "INSERT INTO ", name, " VALUES (",
      absl::StrJoin(std::vector<std::string>(columns.size(), "?"), ", "), ")");
  Check(sqlite3_prepare_v2(db_, sql.c_str(), -1, &insert_, nullptr), doing);
}

int Database::Bind(int index, const Cell& cell) {
  if (const auto* integer = std::get_if<int64_t>(&cell)) {
    return sqlite3_bind_int64(insert_, index, *integer);
  }
  if (const auto* number = std::get_if<double>(&cell)) {
    return sqlite3_bind_double(insert_, index, *number);
  }
  if (const auto* text = std::get_if<std::string>(&cell)) {
    return sqlite3_bind_text64(insert_, index, text->data(), text->size(),
                               SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  return sqlite3_bind_null(insert_, index);
}

void Database::AddRow(const std::vector<Cell>& row) {
  if (!status_.ok()) return;
  const std::string doing = absl::StrCat("write a row of ", table_);
  for (size_t i = 0; i < row.size(); ++i) {
    Check(Bind(static_cast<int>(i) + 1, row[i]), doing);
  }
  if (!status_.ok()) return;
  const int code = sqlite3_step(insert_);
  if (code != SQLITE_DONE) FailWith(code, doing);
  Check(sqlite3_reset(insert_), doing);
}

absl::StatusOr<std::string> Database::Bytes() {
  Execute("COMMIT", "end the transaction");
  if (!status_.ok()) return status_;
  sqlite3_int64 size = 0;
  const std::unique_ptr<unsigned char, void (*)(void*)> bytes(
      sqlite3_serialize(db_, "main", &size, 0), sqlite3_free);
  if (bytes == nullptr) FailWith(SQLITE_NOMEM, "copy the database");
  if (!status_.ok()) return status_;
  return std::string(reinterpret_cast<const char*>(bytes.get()), size);
}

// Makes column names that are distinct for SQLite, which ignores the case of
// ASCII letters.
class ColumnNames {
 public:
  // `wanted`, or if that is taken "wanted (2)", "wanted (3)", ...
  std::string Add(const std::string& wanted) {
    std::string name = wanted;
    for (int i = 2; !taken_.insert(absl::AsciiStrToLower(name)).second; ++i) {
      name = absl::StrCat(wanted, " (", i, ")");
    }
    return name;
  }

 private:
  std::set<std::string> taken_;
};

std::vector<const FieldDescriptor*> FiguresInOrder() {
  std::vector<const FieldDescriptor*> figures;
  for (int i = 0; i < SweepFigures::descriptor()->field_count(); ++i) {
    const FieldDescriptor* field = SweepFigures::descriptor()->field(i);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
      figures.push_back(field);
    }
  }
  return figures;
}

// The column of a field that is neither a list nor a message, and its cell,
// which is NULL without `message`. Returns false for types that no answer uses.
bool ReadField(const Message* message, const FieldDescriptor* field,
               std::string* type, Cell* cell) {
  const Reflection* reflection =
      message == nullptr ? nullptr : message->GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_DOUBLE:
      // Counts are doubles in the message. In such a column SQLite stores a
      // whole number as an integer, and any other number unchanged.
      *type = "NUMERIC";
      if (reflection) *cell = reflection->GetDouble(*message, field);
      return true;
    case FieldDescriptor::CPPTYPE_INT32:
      *type = "INTEGER";
      if (reflection) *cell = int64_t{reflection->GetInt32(*message, field)};
      return true;
    case FieldDescriptor::CPPTYPE_INT64:
      *type = "INTEGER";
      if (reflection) *cell = int64_t{reflection->GetInt64(*message, field)};
      return true;
    case FieldDescriptor::CPPTYPE_BOOL:
      *type = "INTEGER";
      if (reflection) *cell = int64_t{reflection->GetBool(*message, field)};
      return true;
    case FieldDescriptor::CPPTYPE_STRING:
      *type = "TEXT";
      if (reflection)
        *cell = WithoutNul(reflection->GetString(*message, field));
      return true;
    default:
      return false;
  }
}

// Every non-repeated field of a message of this type; those of nested messages
// are prefixed with the name of the field that holds them. The cells are NULL
// if `message` is null.
void AppendFields(const Message* message, const Descriptor& descriptor,
                  const std::string& prefix, std::vector<Column>* columns,
                  std::vector<Cell>* row) {
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor* field = descriptor.field(i);
    // The speed differs between runs, and the file must not.
    // The baseline has a table of its own.
    if (field->is_repeated() || field->name() == "points_per_second_per_core" ||
        field->full_name() == "tokenjoule.SweepStudy.baseline") {
      continue;
    }
    const std::string name = prefix + field->name();
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      const bool has = message != nullptr &&
                       message->GetReflection()->HasField(*message, field);
      AppendFields(has ? &message->GetReflection()->GetMessage(*message, field)
                       : nullptr,
                   *field->message_type(), name + "_", columns, row);
      continue;
    }
    std::string type;
    Cell cell;
    if (!ReadField(message, field, &type, &cell)) continue;
    columns->push_back({name, type});
    row->push_back(std::move(cell));
  }
}

void AddStudy(const SweepStudy& study, Database* database) {
  std::vector<Column> columns;
  std::vector<Cell> row;
  AppendFields(&study, *SweepStudy::descriptor(), "", &columns, &row);
  database->CreateTable("study", columns);
  database->AddRow(row);
}

void AddAxes(const SweepStudy& study, const std::vector<Column>& axes,
             Database* database) {
  database->CreateTable("axes", {{"position", "INTEGER PRIMARY KEY"},
                                 {"path", "TEXT"},
                                 {"front_column", "TEXT"}});
  for (int i = 0; i < study.axes_size(); ++i) {
    database->AddRow({int64_t{i}, WithoutNul(study.axes(i)), axes[i].name});
  }
}

void AddObjectives(const SweepStudy& study, Database* database) {
  database->CreateTable("objectives", {{"position", "INTEGER PRIMARY KEY"},
                                       {"metric", "TEXT"},
                                       {"maximize", "INTEGER"}});
  for (int i = 0; i < study.objectives_size(); ++i) {
    absl::string_view metric = study.objectives(i);
    const bool maximize = absl::ConsumePrefix(&metric, "max ");
    database->AddRow({int64_t{i}, WithoutNul(metric), int64_t{maximize}});
  }
}

void AddInvalidReasons(const SweepStudy& study, Database* database) {
  database->CreateTable("invalid_reasons",
                        {{"reason", "TEXT"}, {"points", "INTEGER"}});
  for (const InvalidReason& reason : study.invalid_reasons()) {
    database->AddRow({WithoutNul(reason.reason()), reason.points()});
  }
}

// "1e400" counts as text, because no double can hold it.
bool IsNumber(const std::string& text, double* number) {
  return absl::SimpleAtod(text, number) && std::isfinite(*number);
}

// Whether there are values and each is a number.
bool HasNumbers(const SweepStudy& study, int axis) {
  double number = 0;
  for (const SweepPoint& point : study.front()) {
    if (axis >= point.values_size() || !IsNumber(point.values(axis), &number)) {
      return false;
    }
  }
  return study.front_size() > 0;
}

// One column per axis, in a fixed order and with distinct names.
std::vector<Column> AxisColumns(const SweepStudy& study) {
  ColumnNames names;
  for (const char* own : {"position", "id", "command"}) names.Add(own);
  for (const FieldDescriptor* figure : FiguresInOrder()) {
    names.Add(figure->name());
  }
  std::vector<Column> columns;
  for (int i = 0; i < study.axes_size(); ++i) {
    const std::string path = WithoutNul(study.axes(i));
    columns.push_back({names.Add(path.empty() ? "axis" : path),
                       HasNumbers(study, i) ? "REAL" : "TEXT"});
  }
  return columns;
}

// The number of a point, or NULL: points of a search by evolution may have
// none.
absl::StatusOr<Cell> IdOf(const SweepStudy& study, const SweepPoint& point) {
  if (study.has_evolution() && point.id() == 0) return Cell();
  if (point.id() >= 0 && point.id() < kMostId &&
      point.id() == std::floor(point.id())) {
    return Cell(static_cast<int64_t>(point.id()));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "point ", point.id(), ": expected a whole number below 2^53"));
}

// The value of an axis, in the type of its column.
Cell ValueOf(const SweepPoint& point, int axis, const Column& column) {
  if (axis >= point.values_size()) return Cell();
  const std::string& text = point.values(axis);
  double number = 0;
  if (column.type == "REAL" && IsNumber(text, &number)) return number;
  return WithoutNul(text);
}

std::vector<Column> FrontColumns(const std::vector<Column>& axes) {
  std::vector<Column> columns = {{"position", "INTEGER PRIMARY KEY"},
                                 {"id", "INTEGER"}};
  columns.insert(columns.end(), axes.begin(), axes.end());
  for (const FieldDescriptor* figure : FiguresInOrder()) {
    columns.push_back({figure->name(), "REAL"});
  }
  columns.push_back({"command", "TEXT"});
  return columns;
}

// A table of points: the front, dominated points, or the baseline alone.
void AddPoints(const std::string& name, const SweepStudy& study,
               const std::vector<const SweepPoint*>& points,
               const std::vector<Column>& axes, Database* database) {
  const std::vector<const FieldDescriptor*> figures = FiguresInOrder();
  database->CreateTable(name, FrontColumns(axes));
  for (size_t i = 0; i < points.size(); ++i) {
    const SweepPoint& point = *points[i];
    absl::StatusOr<Cell> id = IdOf(study, point);
    if (!id.ok()) return database->Fail(std::string(id.status().message()));
    std::vector<Cell> row = {static_cast<int64_t>(i), *std::move(id)};
    for (size_t k = 0; k < axes.size(); ++k) {
      row.push_back(ValueOf(point, static_cast<int>(k), axes[k]));
    }
    const Reflection& reflection = *point.figures().GetReflection();
    for (const FieldDescriptor* figure : figures) {
      // NULL where a machine has no such figure.
      row.push_back(IsAbsent(point.figures(), figure)
                        ? Cell()
                        : Cell(reflection.GetDouble(point.figures(), figure)));
    }
    row.push_back(point.command().empty() ? Cell()
                                          : WithoutNul(point.command()));
    database->AddRow(row);
  }
}

}  // namespace

absl::StatusOr<std::string> SweepSqlite(const SweepStudy& study) {
  Database database;
  // This is checked before distinct names are made for so many columns.
  const int most =
      database.MostColumns() - static_cast<int>(FrontColumns({}).size());
  if (study.axes_size() > most) {
    database.Fail(absl::StrCat("expected at most ", most,
                               " axes, the most that a table of SQLite has "
                               "columns for; found ",
                               study.axes_size()));
    return database.Bytes();
  }
  const std::vector<Column> axes = AxisColumns(study);
  AddStudy(study, &database);
  AddAxes(study, axes, &database);
  AddObjectives(study, &database);
  std::vector<const SweepPoint*> front, dominated, baseline;
  for (const SweepPoint& point : study.front()) front.push_back(&point);
  for (const SweepPoint& point : study.dominated()) dominated.push_back(&point);
  if (study.has_baseline()) baseline.push_back(&study.baseline());
  AddPoints("front", study, front, axes, &database);
  AddPoints("dominated", study, dominated, axes, &database);
  AddPoints("baseline", study, baseline, axes, &database);
  AddInvalidReasons(study, &database);
  return database.Bytes();
}

}  // namespace tokenjoule
