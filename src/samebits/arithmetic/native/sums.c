/* How sums are parted among threads. */
#include "sums.h"

enum { SB_LEAST = 1 << 15 }; /* elements for a thread */

typedef struct {
  const sb_summed *sum;
  void *parts[2];
  int wide;
} sb_task;

static void sb_totals(void *task, int64_t from, int64_t to) {
  const sb_task *t = task;
  sb_sums_now()->total[t->wide][t->sum->at->rows](t->sum, from, to);
}

static void sb_partial(void *task, int64_t from, int64_t to) {
  const sb_task *t = task;
  sb_sums_now()->parts[t->wide][t->sum->at->rows](t->sum, t->parts, from, to);
}

int sb_sum_up(const sb_summed *sum, int wide, int threads) {
  const sb_layout *at = sum->at;
  const int64_t n = at->a * at->b, chunks = sb_chunks_of(n);
  const int64_t tasks = at->o * (at->rows ? at->i : sb_blocks_of(at->i));
  const int64_t each = n * (at->rows               ? 1
                            : at->i < SB_SUM_BLOCK ? at->i
                                                   : SB_SUM_BLOCK); /* elements of a task */
  sb_task task = {sum, {NULL, NULL}, wide};
  if (threads == 1 || chunks == 1 || tasks >= 4 * threads || tasks * each < 2 * SB_LEAST) {
    sb_parallel(tasks, each < SB_LEAST ? SB_LEAST / each : 1, threads, sb_totals, &task);
    return 0;
  }
  /* Few long rows: threads part the chunks, and one joins them. */
  const int64_t all = at->o * at->i * chunks * (wide ? 8 : 4);
  task.parts[0] = sb_scratch(SB_SLOT_A, (size_t)(sum->count * all));
  if (task.parts[0] == NULL) return 1;
  task.parts[1] = (char *)task.parts[0] + (sum->count - 1) * all;
  const int64_t least = SB_LEAST * chunks / each;
  sb_parallel(tasks * chunks, least < 1 ? 1 : least, threads, sb_partial, &task);
  const sb_layout joined = at->rows ? (sb_layout){1, at->o, at->i * chunks, at->i, chunks, 1, 0, chunks, 1}
                                    : (sb_layout){0, at->o, at->i * chunks, at->i, 1, 1, 0, chunks, at->i};
  for (int t = 0; t < sum->count; t++) {
    const sb_summed sums = {
        .count = 1,
        .terms = {sb_next(sum->terms[t])},
        .out = {sum->out[t]},
        .at = &joined,
        .x = task.parts[t],
        .y = task.parts[t],
        .divisor = sum->divisor,
        .root = sum->root,
    };
    task.sum = &sums;
    sb_totals(&task, 0, tasks);
  }
  return 0;
}

/* out[O][I] = sqrt(sum / divisor), the root where it is asked for.  y is x where the term has no second
   array. Returns 0, or 1 where there is no memory. */
int sb_reduce(int term, int dtype, const sb_layout *at, const void *x, const void *y, const void *m,
              void *out, double divisor, int root, int threads) {
  const sb_summed sum = {.count = 1,
                         .terms = {term},
                         .out = {out},
                         .at = at,
                         .x = x,
                         .y = y,
                         .m = m,
                         .divisor = divisor,
                         .root = root};
  return sb_sum_up(&sum, dtype == SB_F64, threads);
}
