// Limits that more than one room has to know: what validation refuses to admit
// is what fixed-size arrays have room for.

#ifndef ANALYZER_BASE_SIZE_LIMITS_H_
#define ANALYZER_BASE_SIZE_LIMITS_H_

#include <cstddef>

namespace tokenjoule {

// Of a machine. Validation admits no more; the fixed sizes keep the kernel free
// of allocation.
// Levels of memory.
inline constexpr int kMaxMemoryLevels = 4;
// Rates of all engines together.
inline constexpr int kMaxFormatRates = 16;
// Formats of weights that a level streams slower than 16-bit ones.
inline constexpr int kMaxStoredFormats = 8;

// Of a file, whether textproto, CSV or JSON. Longer ones are refused before
// they are parsed.
inline constexpr size_t kMaxFileBytes = 4'000'000;
// Levels of nesting in one. Parsers recurse: deeper input could exhaust the
// stack.
inline constexpr int kMaxNesting = 64;

}  // namespace tokenjoule

#endif  // ANALYZER_BASE_SIZE_LIMITS_H_
