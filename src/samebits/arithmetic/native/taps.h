/* Maps along one dimension: every output is a sum of a few inputs, each times its weight (taps.py). */
#ifndef SAMEBITS_ARITHMETIC_TAPS_H
#define SAMEBITS_ARITHMETIC_TAPS_H

#include "base.h"

/* x is [outer][source][inner], out [outer][rows][inner].  Row r reads its first count[r] taps: the elements
   index[k][r] with weight[k][r], or 1 without weights. */
typedef struct {
  const void *x;
  void *out;
  int64_t outer, source, rows, inner, taps;
  const int32_t *index, *count;
  const void *weight;
  int complete; /* whether every count is `taps` */
} sb_map;

typedef struct {
  /* Of float [0] and double [1]: the lines from .. to - 1 of the outer * rows, or of the outer where inner is 1. */
  void (*map[2])(const sb_map *m, int64_t from, int64_t to);
} sb_taps;

SB_KIND(sb_taps)

#endif
