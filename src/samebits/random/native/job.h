/* What is asked of the core, and what a tier offers.  random/core.py has the same numbers. */
#ifndef SAMEBITS_JOB_H
#define SAMEBITS_JOB_H

#include <float.h>
#include <stdint.h>

#if FLT_EVAL_METHOD != 0 /* as with the x87's 80 bits: other numbers; without a core plain torch gives the right ones */
#error "this machine computes in a wider type than that of the numbers"
#endif

enum sb_distribution { SB_INTEGER, SB_UNIFORM, SB_NORMAL, SB_EXPONENTIAL, SB_BERNOULLI, SB_DROPOUT, SB_TRUNCATED, SB_DISTRIBUTIONS };
enum sb_dtype { SB_U8, SB_U16, SB_U32, SB_U64, SB_F16, SB_BF16, SB_F32, SB_F64, SB_DTYPES };

/* A distribution's parameters: of each distribution, what it names. */
typedef struct {
  double a, b;         /* uniform: high - low, low; (truncated) normal: std, mean; exponential: rate; dropout: scale */
  uint64_t low, range; /* integer: low, and high - low or 0 for all; truncated: the same of the words in order;
                          bernoulli, dropout: low is the threshold */
  double least, most;  /* truncated: the results' bounds */
  const float *single; /* normal, exponential: coefficients, powers ascending, of 64 rows each */
  const double *wide;  /* the same for float64, of 256 rows each */
} sb_parameters;

/* n numbers of n words (of 2 n words where the dtype has 64 bits); `in` is dropout's alone. */
typedef void (*sb_transform)(const uint32_t *words, const void *in, void *out, int64_t n, const sb_parameters *p);

typedef struct {
  const char *name;
  int64_t at_once; /* calls */
  void (*words)(uint64_t seed, uint64_t n, int64_t calls, uint32_t *out);
  sb_transform distributions[SB_DISTRIBUTIONS][SB_DTYPES]; /* null where there is none */
} sb_tier;

/* core.c: fill `out`, contiguous, with `each` numbers of each of `keys` keys, the first of which has the number
   `first`; `what` is 16 * distribution + dtype.  Returns 0, or 1 where the distribution has no such dtype. */
int sb_fill_all(void *out, const uint64_t *key, const sb_parameters *parameters, int64_t keys, int64_t each,
                int64_t first, int what, int threads, const void *in);

#endif
