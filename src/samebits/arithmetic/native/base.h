/* What every file of the portable arithmetic shares: names of tiers, dtypes, and how work is parted.

   To be compiled with -ffp-contract=off and without -ffast-math: every fused multiply-add is written, and nothing
   else is fused. */
#ifndef SAMEBITS_ARITHMETIC_BASE_H
#define SAMEBITS_ARITHMETIC_BASE_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#if FLT_EVAL_METHOD != 0
#error "float must be computed in float: build with -msse2 -mfpmath=sse"
#endif

/* In the order of core.py. */
enum sb_dtype { SB_F16, SB_BF16, SB_F32, SB_F64, SB_DTYPES };

#define SB_PASTE(a, b) a##b
#define SB_NAMED(a, b) SB_PASTE(a, b)

/* A tier is one set of instructions.  A file *_tier.c is compiled once for each, with SB_TIER its name, and ends
   with a table of its functions, `const KIND SB_NAMED(KIND_, SB_TIER)`; SB_KIND(KIND) declares them all, and
   KIND_now() is the table in use. */
enum sb_tier { SB_PLAIN_TIER, SB_NEON_TIER, SB_AVX2_TIER, SB_AVX512_TIER };
extern enum sb_tier sb_chosen;

#if defined(SB_HAS_AVX512)
#define SB_CASE_AVX512(kind) case SB_AVX512_TIER: return &kind##_avx512;
#define SB_DECLARE_AVX512(kind) extern const kind kind##_avx512;
#else
#define SB_CASE_AVX512(kind)
#define SB_DECLARE_AVX512(kind)
#endif
#if defined(SB_HAS_AVX2)
#define SB_CASE_AVX2(kind) case SB_AVX2_TIER: return &kind##_avx2;
#define SB_DECLARE_AVX2(kind) extern const kind kind##_avx2;
#else
#define SB_CASE_AVX2(kind)
#define SB_DECLARE_AVX2(kind)
#endif
#if defined(SB_HAS_NEON)
#define SB_CASE_NEON(kind) case SB_NEON_TIER: return &kind##_neon;
#define SB_DECLARE_NEON(kind) extern const kind kind##_neon;
#else
#define SB_CASE_NEON(kind)
#define SB_DECLARE_NEON(kind)
#endif

#define SB_KIND(kind)                                                                   \
  extern const kind kind##_plain;                                                       \
  SB_DECLARE_NEON(kind) SB_DECLARE_AVX2(kind) SB_DECLARE_AVX512(kind)                   \
  static inline const kind *kind##_now(void) {                                          \
    switch (sb_chosen) {                                                                \
      SB_CASE_AVX512(kind) SB_CASE_AVX2(kind) SB_CASE_NEON(kind) default : return &kind##_plain; \
    }                                                                                   \
  }

/* Do `work` for the items 0 .. items - 1, in at most `threads` consecutive ranges of at least `least` items.
   Which range an item is in must not matter to its result. */
typedef void (*sb_work)(void *what, int64_t from, int64_t to);
void sb_parallel(int64_t items, int64_t least, int threads, sb_work work, void *what);

/* `bytes` of memory of this thread, aligned to 64, whose contents are anything; the next call with the same
   `slot` gives the same memory.  Null where there is no more. */
enum sb_slot { SB_SLOT_A, SB_SLOT_B, SB_SLOT_C, SB_SLOT_D, SB_SLOT_E, SB_SLOTS };
void *sb_scratch(enum sb_slot slot, size_t bytes);

#endif
