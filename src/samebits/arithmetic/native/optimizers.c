/* Steps of optimizers on tensors whose elements fill one run of memory, in one order. */
#include "optimizers.h"

#define SB_GRAIN 16384

typedef struct {
  const sb_optimizer *loops;
  int wide, parts;
  char *tensors[5];
  const double *p;
} sb_job;

static void sb_part(void *what, int64_t from, int64_t to) {
  const sb_job *job = what;
  const int64_t bytes = from * (job->wide ? 8 : 4);
  char *at[5];
  for (int i = 0; i < 5; i++) at[i] = job->tensors[i] == NULL ? NULL : job->tensors[i] + bytes;
  job->loops[job->wide](at[0], at[1], at[2], at[3], at[4], to - from, job->p, job->parts);
}

/* which: 0 Adam, 1 SGD, 2 Adagrad; dtype: SB_F32 or SB_F64. */
void sb_optimize(int which, int dtype, void *param, void *grad, void *a, void *b, void *c, int64_t n, const double *p,
                 int parts, int threads) {
  const sb_optimizers *now = sb_optimizers_now();
  const sb_optimizer *loops = which == 0 ? now->adam : which == 1 ? now->sgd : now->adagrad;
  sb_job job = {loops, dtype == SB_F64, parts, {param, grad, a, b, c}, p};
  sb_parallel(n, SB_GRAIN, threads, sb_part, &job);
}
