// What tokens and requests cost, as tables that several answers contain.

#ifndef ANALYZER_REPORT_ANSWERS_COSTS_H_
#define ANALYZER_REPORT_ANSWERS_COSTS_H_

#include <string>

#include "google/protobuf/repeated_field.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// Electricity, money and emissions of one answer, and the energy of a request by
// prompt and output.
std::string CostTables(const Report& report);

// The same of several answers, one row per batch; empty if no answer has prices or
// lengths of prompts and outputs.
std::string BatchCostTables(
    const google::protobuf::RepeatedPtrField<Report>& reports);

// The same, one row per machine.
std::string MachineCostTables(
    const google::protobuf::RepeatedPtrField<Report>& reports);

// The same of two answers side by side; empty if neither has prices or lengths.
std::string CostChanges(const Report& first, const Report& second);

}  // namespace tokenjoule

#endif  // ANALYZER_REPORT_ANSWERS_COSTS_H_
