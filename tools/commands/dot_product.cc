// tokenjoule dot-product: analog or digital.

#include "analyzer/study/dot_product.h"

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "analyzer/report/report.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/output.h"

namespace tokenjoule {
namespace {

// Reads a flag's list of numbers, if it or its default is not empty.
absl::Status ReadNumbers(const ParsedFlags& flags, const char* name,
                         const char* shown, const char* missing,
                         std::vector<double>* numbers) {
  const std::string text = flags.Get(name, missing);
  if (text.empty() && !flags.Has(name)) return absl::OkStatus();
  const absl::Status status = ParseNumberList(text, numbers);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrCat(shown, ": ", status.message()));
}

absl::StatusOr<DotProductStudy> Answer(const ParsedFlags& flags,
                                       int* exit_code) {
  std::vector<double> bits;
  DotProductOptions options;
  absl::Status status = ReadNumbers(flags, "bits", "--bits", "1:12", &bits);
  status.Update(ReadNumbers(flags, "year", "--year", "", &options.years));
  status.Update(ReadNumbers(flags, "node", "--node", "", &options.nodes_nm));
  if (flags.Has("memory_fj")) {
    double memory_fj = 0;
    if (!absl::SimpleAtod(flags.Get("memory_fj", ""), &memory_fj)) {
      status.Update(
          absl::InvalidArgumentError("--memory-fj: expected a number"));
    }
    options.memory_fj_per_mac = memory_fj;
  }
  if (!status.ok()) return UsageFault(status, exit_code);
  return StudyDotProduct(bits, options);
}

Command DotProductCommand() {
  Command command;
  command.name = "dot-product";
  command.summary = "analog against digital multiply-adds by bits, as bands";
  command.description =
      "Energy of a multiply-add in analog and digital in-memory arrays as a\n"
      "function of the bits of its operands: bands over the ranges of the\n"
      "uncertain parameters, the thermal limit, and published chips, in fJ "
      "and\n"
      "TOPS/W. Says so if the bands do not decide. Also the growth of the "
      "model\n"
      "that analog can afford at the medians, with memory energy included, "
      "and\n"
      "the growth that its noise needs. --year and --node ask the same of the\n"
      "silicon of those years and nodes, side by side.";
  command.examples =
      "  tokenjoule dot-product --bits=1:12\n"
      "  tokenjoule dot-product --bits=2,4,8 --memory-fj=0\n"
      "  tokenjoule dot-product --year=1990,2021,2026\n"
      "  tokenjoule dot-product --node=2 --bits=4\n"
      "  tokenjoule dot-product --format=svg --out=dot_product.svg\n";
  command.flags = Concat(
      {
          {"bits", "N", "bits: 1:12 or 4,8 (default 1:12)"},
          {"year", "YEAR",
           "silicon of these years, of those in "
           "hw_specs/studies/dot-product.textproto: 1990,2026 (default: the "
           "stated ranges, of no single year)"},
          {"node", "NM", "silicon of these process nodes, nm: 7,3"},
          {"memory_fj", "FJ",
           "memory energy of a multiply-add, fJ (default 215: a 4-bit weight "
           "from "
           "HBM3E shared by 64 sequences)"},
      },
      OutputFlags<DotProductStudy>());
  SetAnswer<DotProductStudy>(Answer, &command);
  return command;
}

const CommandRegistration kRegistration(DotProductCommand);

}  // namespace

}  // namespace tokenjoule
