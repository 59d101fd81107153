/* Softmax and its logarithm, and their derivatives, of an array [O][N][I] along N. */
#ifndef SAMEBITS_ARITHMETIC_SOFTMAX_H
#define SAMEBITS_ARITHMETIC_SOFTMAX_H

#include "base.h"

enum sb_softmax_kind { SB_SOFTMAX, SB_LOG_SOFTMAX, SB_SOFTMAX_BACKWARD, SB_LOG_SOFTMAX_BACKWARD };

/* x: what softmax is taken of; backward, its result, with `grad` that of the result. */
typedef struct {
  enum sb_softmax_kind kind;
  const void *x, *grad;
  void *out;
  int64_t o, n, i;
} sb_softmax;

/* Columns that are done together, so that they stay in the cache. */
enum { SB_SOFTMAX_BLOCK = 256, SB_SOFTMAX_NARROW = 64 };
static inline int64_t sb_softmax_block(int64_t n) { return n > 64 ? SB_SOFTMAX_NARROW : SB_SOFTMAX_BLOCK; }

/* Of float [0] and double [1], items from .. to - 1: of the O rows, where I is 1; of the O * blocks of I. */
typedef struct {
  void (*rows[2])(const sb_softmax *s, int64_t from, int64_t to);
  void (*columns[2])(const sb_softmax *s, int64_t from, int64_t to);
} sb_softmaxes;

SB_KIND(sb_softmaxes)

#endif
