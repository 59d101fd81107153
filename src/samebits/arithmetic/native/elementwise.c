/* Elementwise operations on tensors whose elements fill one run of memory, in one order. */
#include "elementwise.h"

/* Elements that are worth a thread. */
#define SB_GRAIN 16384
/* Numbers of 16 bits that are computed in float together. */
#define SB_TOGETHER 512

typedef struct {
  enum sb_operation operation;
  enum sb_dtype dtype;
  void *out;
  const void *inputs[3];
  const double *p;
} sb_job;

static const char *const sb_operation_names[] = {
#define SB_NAME(name, inputs, single, wide) #name,
    SB_ELEMENTWISE(SB_NAME)
#undef SB_NAME
};

/* The name of operation n, or null after the last. */
const char *sb_elementwise_name(int n) { return n < SB_OPERATIONS ? sb_operation_names[n] : NULL; }

static const void *sb_at(const void *base, int64_t bytes) { return base == NULL ? NULL : (const char *)base + bytes; }

static void sb_part_of_half(const sb_job *job, int64_t from, int64_t to) {
  const sb_elementwise_loops *loops = sb_elementwise_loops_now();
  float wide[3][SB_TOGETHER];
  for (int64_t at = from; at < to; at += SB_TOGETHER) {
    const int64_t n = to - at < SB_TOGETHER ? to - at : SB_TOGETHER;
    for (int i = 0; i < 3; i++)
      if (job->inputs[i] != NULL) loops->widen(wide[i], (const uint16_t *)job->inputs[i] + at, n, job->dtype);
    loops->single[job->operation](wide[0], wide[0], wide[1], wide[2], n, job->p);
    loops->narrow((uint16_t *)job->out + at, wide[0], n, job->dtype);
  }
}

static void sb_part(void *what, int64_t from, int64_t to) {
  const sb_job *job = what;
  if (job->dtype < SB_F32) {
    sb_part_of_half(job, from, to);
    return;
  }
  const int64_t bytes = from * (job->dtype == SB_F32 ? 4 : 8);
  const sb_elementwise_loops *loops = sb_elementwise_loops_now();
  const sb_loop loop = (job->dtype == SB_F32 ? loops->single : loops->wide)[job->operation];
  loop((char *)job->out + bytes, sb_at(job->inputs[0], bytes), sb_at(job->inputs[1], bytes),
       sb_at(job->inputs[2], bytes), to - from, job->p);
}

/* out[i] = the operation of a[i], b[i], c[i], for 0 <= i < n.  `what` is the operation times SB_DTYPES, and the dtype;
   `p` are 3 parameters. */
void sb_elementwise(int what, void *out, const void *a, const void *b, const void *c, int64_t n, const double *p,
                    int threads) {
  static const double none[3];
  sb_job job = {what / SB_DTYPES, what % SB_DTYPES, out, {a, b, c}, p == NULL ? none : p};
  sb_parallel(n, SB_GRAIN, threads, sb_part, &job);
}
