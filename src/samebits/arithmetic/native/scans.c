/* How scans are parted among threads: by rows and columns. */
#include "scans.h"

typedef struct {
  const sb_scan *scan;
  int wide;
} sb_scan_task;

static void sb_some_scans(void *task, int64_t from, int64_t to) {
  const sb_scan_task *t = task;
  sb_scans_now()->items[t->wide](t->scan, from, to);
}

/* x and out are contiguous. */
void sb_scan_along(int kind, int dtype, const void *x, void *out, int64_t o, int64_t n, int64_t i,
                   int threads) {
  enum { LEAST = 1 << 13 }; /* elements for a thread */
  const sb_scan scan = {kind, x, out, o, n, i};
  sb_scan_task task = {&scan, dtype == SB_F64};
  const int64_t block = i < SB_SCAN_BLOCK ? i : SB_SCAN_BLOCK;
  sb_parallel(o * ((i + SB_SCAN_BLOCK - 1) / SB_SCAN_BLOCK), LEAST / (n * block) + 1, threads, sb_some_scans,
              &task);
}
