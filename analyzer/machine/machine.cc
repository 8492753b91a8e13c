#include "analyzer/machine/machine.h"

#include "analyzer/description/number_reader.h"
#include "analyzer/machine/build_machine.h"

namespace tokenjoule {

const NumberFormat& OperandFormat(const NumberFormat& weights,
                                  const NumberFormat& activations) {
  using Operand = NumberFormat::Operand;
  // int8 values are not all representable in fp8, nor fp8 values in int8; both
  // fit in 16-bit floats. int4 values fit in fp8.
  const bool mixed =
      (weights.operand == Operand::kFloat && weights.operand_bits < 16 &&
       activations.operand == Operand::kInteger) ||
      (weights.operand == Operand::kInteger && weights.operand_bits > 4 &&
       activations.operand == Operand::kFloat && activations.operand_bits < 16);
  if (mixed) return GetFormat("bf16");
  return weights.operand_bits > activations.operand_bits ? weights
                                                         : activations;
}

namespace {

// How well a rate of a digital engine suits operands: 0 if not at all,
// otherwise larger for narrower formats; the format itself suits best.
int Suitability(const NumberFormat& offered, const NumberFormat& operands) {
  constexpr int kItself = 1000, kFits = 500;
  if (&offered == &operands) return kItself;
  const bool integer = operands.operand == NumberFormat::Operand::kInteger;
  const bool offers_integer =
      offered.operand == NumberFormat::Operand::kInteger;
  // Integers fit in wider integers and in floats of at least 16 bits; floats do
  // not fit in integers.
  const bool kind_fits = offers_integer == integer ||
                         (!offers_integer && offered.operand_bits >= 16);
  if (kind_fits && offered.operand_bits >= operands.operand_bits) {
    return kFits - offered.operand_bits;
  }
  // Nothing is wide enough: fall back to the widest float.
  return offers_integer ? 0 : offered.operand_bits;
}

// Whether bit-serial lanes for a rate's formats take these operands: integers
// that are no wider.
bool LanesTake(const RateStructure& rate, const NumberFormat& weights,
               const NumberFormat& activations) {
  const auto fits = [](const NumberFormat& format, const NumberFormat& lane) {
    return format.operand == NumberFormat::Operand::kInteger &&
           lane.operand == NumberFormat::Operand::kInteger &&
           format.operand_bits <= lane.operand_bits;
  };
  return fits(weights, *rate.format) && fits(activations, *rate.inputs);
}

// Work of a multiply-add on bit-serial lanes, as bits of input times weight.
int LaneBits(const RateStructure& rate) {
  return rate.format->operand_bits * rate.inputs->operand_bits;
}

}  // namespace

bool TakesWeights(const RateStructure& rate, const NumberFormat& weights) {
  if (!rate.in_memory) return false;
  if (rate.format == &weights) return true;
  return rate.format->operand == NumberFormat::Operand::kInteger &&
         weights.operand == NumberFormat::Operand::kInteger &&
         weights.operand_bits == rate.format->operand_bits;
}

int RateIndex(const MachineStructure& structure, const NumberFormat& weights,
              const NumberFormat& activations,
              ComputeEngine::Products products) {
  const unsigned wanted = 1u << products;
  int lanes = -1;
  for (int i = 0; i < structure.num_rates; ++i) {
    const RateStructure& rate = structure.rates[i];
    if ((rate.runs & wanted) == 0) continue;
    if ((TakesWeights(rate, weights) ||
         (rate.has_lanes && rate.format == &weights)) &&
        rate.inputs == &activations) {
      return i;
    }
    if (rate.has_lanes && LanesTake(rate, weights, activations) &&
        (lanes < 0 || LaneBits(rate) < LaneBits(structure.rates[lanes]))) {
      lanes = i;
    }
  }
  if (lanes >= 0) return lanes;
  const NumberFormat& operands = OperandFormat(weights, activations);
  int best = -1, best_suitability = 0;
  for (int i = 0; i < structure.num_rates; ++i) {
    const RateStructure& rate = structure.rates[i];
    if (rate.in_memory || rate.has_lanes || (rate.runs & wanted) == 0) continue;
    const int suitability = Suitability(*rate.format, operands);
    if (suitability > best_suitability) {
      best = i;
      best_suitability = suitability;
    }
  }
  return best;
}

Machine<double> BuildMachine(const Hardware& hardware) {
  return BuildMachine<double>(hardware, ValueReader());
}

}  // namespace tokenjoule
