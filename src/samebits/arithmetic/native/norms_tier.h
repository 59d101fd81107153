/* Normalizations with one set of instructions; after sums_tier.h. */
#include "norms.h"

#define sb_fma_of_float __builtin_fmaf
#define sb_fma_of_double __builtin_fma

#include "real32.h"
#include "norms_lanes.h"
#include "real64.h"
#include "norms_lanes.h"
#include "real_none.h"

const sb_norms SB_NAMED(sb_norms_, SB_TIER) = {
    .layer = {sb_layer_float, sb_layer_double},
    .layer_backward = {sb_layer_backward_float, sb_layer_backward_double},
    .group = {sb_group_float, sb_group_double},
    .group_backward = {sb_group_backward_float, sb_group_backward_double},
    .batch = {sb_batch_float, sb_batch_double},
    .batch_backward = {sb_batch_backward_float, sb_batch_backward_double},
    .statistics = {sb_statistics_float, sb_statistics_double},
    .constants = {sb_constants_float, sb_constants_double},
};
