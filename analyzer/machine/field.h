// Tags of a machine's numbers, used by everything except building and costing.
// Each struct of machine.h lists its numbers once, with these tags; slots,
// conversions between number types, ideal machines and free machines are
// derived from them.

#ifndef ANALYZER_MACHINE_FIELD_H_
#define ANALYZER_MACHINE_FIELD_H_

#include "analyzer/machine/terms.h"
#include "analyzer/units/units.h"

namespace tokenjoule {

// Components of a machine for studies in the manner of Amdahl's law, from the
// memory outwards.
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
//   Field("half_transfer").Once().Ideal().Time(Component::kOverheads).
struct Field {
  explicit constexpr Field(const char* name) : name(name) {}

  // Name of the C++ field.
  const char* name;
  FreeAt free_at = FreeAt::kZero;
  // Whether it is free in an ideal machine; see Scenario.ideal.
  bool in_ideal = false;
  // Whether it is paid once per step, however large the step, so that it is
  // free in the limit of an infinite batch.
  bool once_a_step = false;
  // The component it belongs to, and whether it is an energy or a time of it.
  Component component = Component::kNone;
  bool is_energy = false;
  bool is_time = false;
  // The term that is zero if this number is free; kNumEnergyTerms for none.
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

// Larger than any count of bytes or FLOP, but small enough for arithmetic not
// to overflow.
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
