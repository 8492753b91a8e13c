#include <string>

#include "absl/strings/str_cat.h"
#include "analyzer/report/csv.h"
#include "analyzer/report/report.h"
#include "analyzer/report/table.h"

namespace tokenjoule {
namespace {

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
    table.AddRow({entry.name(), entry.description()});
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
