"""Compiler options of libraries that compute in packs (analyzer/cost/pack.h)."""

PACK_COPTS = [
    # As of the sweep kernel: the same bits from every instruction set. Optimised
    # in every mode: what is compiled for one instruction set must not call what is
    # compiled for another with packs, which they pass differently; inlined, nothing
    # is passed.
    "-O3",
    "-ffp-contract=off",
    "-Wno-psabi",
]
