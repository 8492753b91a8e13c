// Machines of which a part costs nothing: what Amdahl's law is asked about.

#ifndef ANALYZER_MACHINE_FREE_H_
#define ANALYZER_MACHINE_FREE_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "analyzer/machine/machine.h"
#include "proto/report.pb.h"

namespace tokenjoule {

// A component of a machine that can be made free.
struct FreeComponent {
  absl::string_view name;
  // What is assumed, for people.
  absl::string_view assumption;
  // Its energy becomes zero.
  void (*energy)(Machine<>* machine);
  // It takes no time.
  void (*time)(Machine<>* machine);
};

// The components, from the memory outwards.
absl::Span<const FreeComponent> FreeComponents();

// Makes the energy of one term zero; time stays. STATIC takes the losses of
// regulators with it, HOST those of supplies.
void MakeTermFree(Term::Value term, Machine<>* machine);

}  // namespace tokenjoule

#endif  // ANALYZER_MACHINE_FREE_H_
