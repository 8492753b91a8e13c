#include "analyzer/machine/machine.h"

#include "analyzer/machine/build.h"
#include "analyzer/spec/number_reader.h"

namespace tokenjoule {

const NumberFormat& OperandFormat(const NumberFormat& weights,
                                  const NumberFormat& activations) {
  return weights.operand_bits > activations.operand_bits ? weights
                                                         : activations;
}

Machine<double> BuildMachine(const Hardware& hardware) {
  return BuildMachine<double>(hardware, ValueReader());
}

}  // namespace tokenjoule
