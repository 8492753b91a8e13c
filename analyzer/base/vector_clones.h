// Functions that are compiled once for each set of vector registers.

#ifndef ANALYZER_BASE_VECTOR_CLONES_H_
#define ANALYZER_BASE_VECTOR_CLONES_H_

// The library's own header says which C library it is.
#include <cstdlib>

// Before a definition: compiles the function, and what it calls, for AVX-512,
// AVX2 and every x86-64, and takes the best that the processor has when the
// program starts. Elsewhere the function is compiled once: NEON is part of
// every arm64, and only glibc resolves such functions. Clang takes
// target_clones only without flatten; it compiles once, which suffices for
// fuzzing.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__)
#define VECTOR_CLONES \
  __attribute__((target_clones("avx512f", "avx2", "default"), flatten))
#else
#define VECTOR_CLONES __attribute__((flatten))
#endif

#endif  // ANALYZER_BASE_VECTOR_CLONES_H_
