// What the analyzer knows of a number of a machine besides how it is built and
// charged. Each struct of machine.h lists its numbers once, with these tags;
// slots, conversions between number types, ideal and free machines follow.

#ifndef ANALYZER_MACHINE_FIELD_H_
#define ANALYZER_MACHINE_FIELD_H_

#include "analyzer/machine/terms.h"
#include "analyzer/units/units.h"

namespace tokenjoule {

// Components of a machine that Amdahl's law is asked about, from the memory
// outwards.
enum class Component {
  kNone,
  kMemory,
  kOnChipMemory,
  kCompute,
  kLinks,
  kStaticPower,
  kOverheads,
  kHost,
  kFacility,
};

// The value at which a number costs nothing.
enum class FreeAt { kZero, kOne, kEndless };

// Tags of a number, written as
//   Field("half_transfer").Once().Ideal().Time(Component::kMemory).
struct Field {
  explicit constexpr Field(const char* name) : name(name) {}

  // As C++ spells it.
  const char* name;
  FreeAt free_at = FreeAt::kZero;
  // Free in an ideal machine: see Scenario.ideal.
  bool in_ideal = false;
  // Paid once a step, however large it is: free as a batch grows without end.
  bool once_a_step = false;
  // The component that it belongs to, and whether it is energy or time of it.
  Component component = Component::kNone;
  bool is_energy = false;
  bool is_time = false;
  // The term that is zero where this is free; kNumEnergyTerms for none.
  TermIndex term = kNumEnergyTerms;

  constexpr Field At(FreeAt value) const {
    Field field = *this;
    field.free_at = value;
    return field;
  }
  constexpr Field Ideal() const {
    Field field = *this;
    field.in_ideal = true;
    return field;
  }
  constexpr Field Once() const {
    Field field = *this;
    field.once_a_step = true;
    return field;
  }
  constexpr Field Energy(Component of, TermIndex its_term) const {
    Field field = *this;
    field.component = of;
    field.is_energy = true;
    field.term = its_term;
    return field;
  }
  constexpr Field Time(Component of) const {
    Field field = *this;
    field.component = of;
    field.is_time = true;
    return field;
  }
};

// Larger than any count of bytes or FLOP, and still a number that arithmetic
// does not overflow with.
inline constexpr double kEndless = 1e300;

// Sets a number to the value at which it costs nothing.
template <typename N>
void MakeFree(const Field& field, N& number) {
  const double value = field.free_at == FreeAt::kZero  ? 0.0
                       : field.free_at == FreeAt::kOne ? 1.0
                                                       : kEndless;
  if constexpr (units_internal::IsQuantity<N>::value) {
    using Rep = std::decay_t<decltype(number.base())>;
    number = N::FromBase(Rep(value));
  } else {
    number = N(value);
  }
}

}  // namespace tokenjoule

#endif  // ANALYZER_MACHINE_FIELD_H_
