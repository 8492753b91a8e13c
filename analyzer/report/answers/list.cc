#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

// Columns of a name that has a line of its own.
constexpr size_t kLongName = 40;

// Of the other names, as many as fit beside a description.
constexpr int kMostAlso = 3;

// "; also H100, H100-80GB, ...".
std::string AlsoText(const Listing::Entry& entry) {
  std::string out;
  for (int i = 0; i < entry.also_size() && i < kMostAlso; ++i) {
    absl::StrAppend(&out, i == 0 ? "; also " : ", ", entry.also(i));
  }
  if (entry.also_size() > kMostAlso) out += ", ...";
  return out;
}

std::string ListingTable(const Listing& listing, const TableOptions&) {
  std::string out, kind;
  TextTable table({"", ""});
  for (const Listing::Entry& entry : listing.entries()) {
    if (entry.kind() != kind) {
      if (!kind.empty()) {
        absl::StrAppend(&out, table.ToString(2), "\n");
        table = TextTable({"", ""});
      }
      kind = entry.kind();
      absl::StrAppend(&out, kind, "\n");
    }
    const std::string text =
        absl::StrCat(entry.description(), AlsoText(entry));
    if (TextWidth(entry.name()) > kLongName) {
      // The path of a file, which is never cut, so that it can be copied.
      absl::StrAppend(&out, table.ToString(2), "  ", entry.name(), "\n",
                      Wrapped(text, 4, 0));
      table = TextTable({"", ""});
    } else {
      table.AddRow({entry.name(), text});
    }
    if (entry.inherited().empty() && entry.warnings().empty()) continue;
    absl::StrAppend(&out, table.ToString(2));
    table = TextTable({"", ""});
    for (const std::string& line : entry.inherited()) {
      absl::StrAppend(&out, Wrapped(line, 4, 2));
    }
    for (const std::string& line : entry.warnings()) {
      absl::StrAppend(&out, Wrapped(absl::StrCat("warning: ", line), 4, 2));
    }
  }
  if (!kind.empty()) absl::StrAppend(&out, table.ToString(2));
  return out;
}

std::string ListingCsv(const Listing& listing) {
  return EntriesCsv(listing.entries());
}

}  // namespace

template <>
Writers<Listing> WritersOf() {
  return {ListingTable, ListingCsv};
}

}  // namespace tokenjoule
