/* Maps along a dimension, cut into lines for the threads. */
#include "taps.h"

enum { SB_TAPS_LEAST = 1 << 14 }; /* products for a thread */

typedef struct {
  const sb_map *map;
  int wide;
} sb_map_task;

static void sb_do_map(void *task, int64_t from, int64_t to) {
  const sb_map_task *t = task;
  sb_taps_now()->map[t->wide](t->map, from, to);
}

/* `index`, `count` and `weight` as in taps.h, weight of x's type or null. */
void sb_map_taps(int dtype, const void *x, void *out, int64_t outer, int64_t source, int64_t rows, int64_t inner,
                 int64_t taps, const void *index, const void *count, const void *weight, int complete, int threads) {
  const sb_map map = {x, out, outer, source, rows, inner, taps, index, count, weight, complete};
  sb_map_task task = {&map, dtype == SB_F64};
  const int64_t items = inner == 1 ? outer : outer * rows, each = taps * (inner == 1 ? rows : inner) + 1;
  sb_parallel(items, SB_TAPS_LEAST / each + 1, threads, sb_do_map, &task);
}
