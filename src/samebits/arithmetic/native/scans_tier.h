/* Scans with one set of instructions; after softmax_tier.h. */
#include "scans.h"

enum { SB_SCAN_CHUNK = 256, SB_SCAN_LEVELS = 8 };

/* log(exp(a) + exp(b)) */
static inline double sb_log_add_exp(double a, double b) {
  const double most = a > b ? a : b, least = a > b ? b : a;
  const double sum = most + sb_log1p_d(sb_exp_d(least - most));
  return a == b && a - a != 0 ? a : sum; /* both infinite, and alike; a NaN is in the sum */
}

SB_INLINE double sb_scan_step(enum sb_scan_kind kind, double a, double b) {
  return kind == SB_RUNNING_SUM ? a + b : kind == SB_RUNNING_PRODUCT ? a * b : sb_log_add_exp(a, b);
}

/* What came before the chunk: the scan of the totals of the chunks, in chunks of their own, level by level.
 */
typedef struct {
  double value;                                         /* of all chunks so far */
  double local[SB_SCAN_LEVELS], before[SB_SCAN_LEVELS]; /* in this chunk of totals, and in those before it */
  int count[SB_SCAN_LEVELS], later[SB_SCAN_LEVELS];     /* totals in it; whether there are chunks before it */
} sb_scan_levels;

static void sb_scan_total(enum sb_scan_kind kind, sb_scan_levels *l, double total) {
  double carried = total;
  for (int level = 0; level < SB_SCAN_LEVELS; level++) {
    l->local[level] = l->count[level] == 0 ? carried : sb_scan_step(kind, l->local[level], carried);
    const double value =
        l->later[level] ? sb_scan_step(kind, l->before[level], l->local[level]) : l->local[level];
    if (level == 0) l->value = value;
    else l->before[level - 1] = value, l->later[level - 1] = 1;
    if (++l->count[level] < SB_SCAN_CHUNK) return;
    l->count[level] = 0;
    carried = l->local[level];
  }
}

#include "real32.h"
#include "scans_lanes.h"
#include "real64.h"
#include "scans_lanes.h"
#include "real_none.h"

const sb_scans SB_NAMED(sb_scans_, SB_TIER) = {.items = {sb_scan_items_float, sb_scan_items_double}};
