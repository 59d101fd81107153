/* The sums of sums.h with one set of instructions. */
#include "sums.h"
#include "simd.h"

#ifndef SB_INLINE
#define SB_INLINE static inline __attribute__((always_inline))
#endif
#if defined(__clang__)
#define SB_SHUFFLE(v, mask) __builtin_shufflevector(v, mask)
#else
#define SB_SHUFFLE(v, mask) __builtin_shuffle(v, mask)
#endif

#include "real32.h"
#include "sums_lanes.h"
#include "sums_rows.h"
#include "sums_columns.h"
#include "real64.h"
#include "sums_lanes.h"
#include "sums_rows.h"
#include "sums_columns.h"

#include "real_none.h"

const sb_sums SB_NAMED(sb_sums_, SB_TIER) = {
    .total = {{sb_columns_total_float, sb_rows_total_float}, {sb_columns_total_double, sb_rows_total_double}},
    .parts = {{sb_columns_parts_float, sb_rows_parts_float}, {sb_columns_parts_double, sb_rows_parts_double}},
};
