// Titles and names in charts: what the answers of a chart have in common, and what
// tells them apart.

#ifndef ANALYZER_REPORT_FIGURES_CAPTIONS_H_
#define ANALYZER_REPORT_FIGURES_CAPTIONS_H_

#include <string>
#include <vector>

#include "analyzer/report/figure.h"
#include "proto/report.pb.h"

namespace tokenjoule {

struct Captions {
  // "llama-3.1-8b on h100-sxm"; "3 models on h100-sxm" if these differ.
  std::string subject;
  // Lines with chips, runtime, batch, context, formats, boundary and fields that
  // were set.
  std::vector<std::string> subtitle;
  // Of each answer, as much as tells it apart from the others; the model if there is
  // only one. What else differs is in the subtitle with each of its values.
  std::vector<std::string> names;
};

// `with_batch`: whether the batch is said; not if it is an axis. `in_full`: whether
// names have all that differs.
Captions CaptionsOf(const std::vector<const Report*>& reports,
                    bool with_batch = true, bool in_full = false);

// The axis of energy per token (or per inference).
FigureAxis EnergyAxis(const Report& report);

// A bar of an answer's energy, its terms one after the other, with its range.
Row EnergyRow(const Report& report, const std::string& label);

// A path of a constant in plain words, with its unit: "hbm path energy, pJ/bit" for
// "hardware.memory.hbm.path_energy_pj_per_bit".
std::string PathWords(const std::string& path);

// A value with what it is of: "core clock set 990 MHz".
std::string ValueWords(const std::string& path, const std::string& value);

// Colour of a term; no two terms have the same.
const char* TermColor(Term::Value term);

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_FIGURES_CAPTIONS_H_
