// Limits shared by several rooms: validation rejects whatever would not fit in
// the fixed-size arrays.

#ifndef ANALYZER_BASE_SIZE_LIMITS_H_
#define ANALYZER_BASE_SIZE_LIMITS_H_

#include <cstddef>

namespace tokenjoule {

// Limits of a machine. Fixed sizes keep the kernel free of allocation. Memory
// levels.
inline constexpr int kMaxMemoryLevels = 4;

// Networks that join chips: the domain and those beyond it.
inline constexpr int kMaxNetworks = 3;
// Rates, summed over all engines.
inline constexpr int kMaxFormatRates = 16;
// Weight formats for which a runtime has kernels of their own.
inline constexpr int kMaxKernelFormats = 16;

// Size of a textproto, CSV or JSON file. Longer files are rejected before
// parsing.
inline constexpr size_t kMaxFileBytes = 4'000'000;
// Nesting depth in a file. Parsers recurse, so deeper input could exhaust the
// stack.
inline constexpr int kMaxNesting = 64;

}  // namespace tokenjoule

#endif  // ANALYZER_BASE_SIZE_LIMITS_H_
