// The charts of the answers, one file for each kind of answer.

#ifndef ANALYZER_REPORT_FIGURES_FIGURES_H_
#define ANALYZER_REPORT_FIGURES_FIGURES_H_

#include "analyzer/report/figure.h"
#include "proto/measurement.pb.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// Signal-to-noise ratio over the layers between converters.
Figure FigureOf(const AnalogDepthStudy& study);
// Energy per token over the batch, a line with its range for each series, with the
// floor and the largest batch that fits and meets the limit on time.
Figure FigureOf(const BatchStudy& study);
// Break-even over the batch, with published arrays.
Figure FigureOf(const BreakEvenStudy& study);
// Energy per token that is left where a part is free.
Figure FigureOf(const CeilingStudy& study);
// From the energy of the first scenario to that of the second, cause by cause.
Figure FigureOf(const Comparison& comparison);
// Energy per multiply-add over bits, a panel for each year.
Figure FigureOf(const DotProductStudy& study);
// Energy per token by term of each machine.
Figure FigureOf(const MachinesStudy& study);
// Energy per request of each way of serving, with the part that is drawn while it
// idles.
Figure FigureOf(const PlanStudy& study);
// The roofline with operators, beside energy per token by term.
Figure FigureOf(const Report& report);
// Energy per token over the range of each constant, largest first.
Figure FigureOf(const SensitivityStudy& study);
// The front in its first two objectives, with dominated points and the baseline.
Figure FigureOf(const SweepStudy& study);
// Energy per token after each trick.
Figure FigureOf(const TrickStudy& study);
// Energy per token over time per token by clock, a line for each batch.
Figure FigureOf(const TuneStudy& study);
// Predicted over measured energy per token.
Figure FigureOf(const Validation& validation);

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_FIGURES_FIGURES_H_
