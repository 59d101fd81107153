/* How softmax is parted among threads. */
#include "softmax.h"

typedef struct {
  const sb_softmax *softmax;
  int wide;
} sb_softmax_task;

static void sb_some_rows(void *task, int64_t from, int64_t to) {
  const sb_softmax_task *t = task;
  sb_softmaxes_now()->rows[t->wide](t->softmax, from, to);
}

static void sb_some_columns(void *task, int64_t from, int64_t to) {
  const sb_softmax_task *t = task;
  sb_softmaxes_now()->columns[t->wide](t->softmax, from, to);
}

/* `grad` is of the derivatives alone; all are contiguous. */
void sb_softmax_along(int kind, int dtype, const void *x, const void *grad, void *out, int64_t o, int64_t n,
                      int64_t i, int threads) {
  enum { LEAST = 1 << 12 }; /* elements for a thread */
  const sb_softmax softmax = {kind, x, grad, out, o, n, i};
  sb_softmax_task task = {&softmax, dtype == SB_F64};
  const int64_t wide = sb_softmax_block(n), block = i < wide ? i : wide;
  const int64_t items = i == 1 ? o : o * ((i + wide - 1) / wide);
  sb_parallel(items, LEAST / (n * block) + 1, threads, i == 1 ? sb_some_rows : sb_some_columns, &task);
}
