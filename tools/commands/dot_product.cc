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

int Run(const ParsedFlags& flags) {
  absl::StatusOr<OutputFormat> format =
      ReadOutputFormat<DotProductStudy>(flags);
  if (!format.ok()) return Fail(format.status(), kExitUsage);
  std::vector<double> bits;
  absl::Status status = ParseNumberList(flags.Get("bits", "1:12"), &bits);
  DotProductOptions options;
  if (status.ok() && flags.Has("memory_fj")) {
    double memory_fj = 0;
    if (!absl::SimpleAtod(flags.Get("memory_fj", ""), &memory_fj)) {
      status = absl::InvalidArgumentError("expected a number");
    }
    options.memory_fj_per_mac = memory_fj;
  }
  if (!status.ok()) {
    return Fail(absl::InvalidArgumentError(
                    absl::StrCat("--bits, --memory-fj: ", status.message())),
                kExitUsage);
  }
  absl::StatusOr<DotProductStudy> study = StudyDotProduct(bits, options);
  if (!study.ok()) return Fail(study.status(), kExitBadData);
  return WriteAnswer(flags, *format, *study);
}

Command DotProductCommand() {
  Command command;
  command.name = "dot-product";
  command.summary = "analog against digital multiply-adds by bits, as bands";
  command.description =
      "Energy of a multiply-add in analog and digital in-memory arrays as a\n"
      "function of the bits of its operands: bands over the ranges of the\n"
      "uncertain parameters, the thermal limit, and published chips. Says so\n"
      "if the bands do not decide. Also the growth of the model that analog\n"
      "can afford at the medians, with memory energy included.";
  command.examples =
      "  tokenjoule dot-product --bits=1:12\n"
      "  tokenjoule dot-product --bits=2,4,8 --memory-fj=0\n"
      "  tokenjoule dot-product --format=svg --out=dot_product.svg\n";
  command.flags = Concat(
      {
          {"bits", "N", "bits: 1:12 or 4,8 (default 1:12)"},
          {"memory_fj", "FJ",
           "memory energy of a multiply-add, fJ (default 215: a 4-bit weight "
           "from "
           "HBM3E shared by 64 sequences)"},
      },
      OutputFlags<DotProductStudy>());
  command.run = Run;
  return command;
}

const CommandRegistration kRegistration(DotProductCommand);

}  // namespace

}  // namespace tokenjoule
