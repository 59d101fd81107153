/* Softmax with one set of instructions; after sums_tier.h. */
#include "functions.h"
#include "softmax.h"
#include "wide.h"

#define sb_exp_of_float sb_exp
#define sb_log_of_float sb_log
#define sb_exp_of_double sb_exp_d
#define sb_log_of_double sb_log_d

#include "real32.h"
#include "softmax_lanes.h"
#include "real64.h"
#include "softmax_lanes.h"
#include "real_none.h"

const sb_softmaxes SB_NAMED(sb_softmaxes_, SB_TIER) = {
    .rows = {sb_softmax_rows_float, sb_softmax_rows_double},
    .columns = {sb_softmax_columns_float, sb_softmax_columns_double},
};
