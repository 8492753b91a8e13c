"""Compiler options of libraries that compute in packs (analyzer/cost/pack.h)."""

PACK_COPTS = [
    # As for the sweep kernel, every instruction set must give the same bits.
    # Optimised in every mode: code compiled for different instruction sets
    # passes packs differently and must not call each other with them; inlining
    # avoids such calls.
    "-O3",
    "-ffp-contract=off",
    "-Wno-psabi",
]
