/* The sums S and D of docs/reference/portable.md, along rows and down columns.

   What is summed is an array of rank four, A and B its summed dimensions, in this order, O and I the kept
   ones. Either the summed dimension B is contiguous (rows), or the kept dimension I is (columns). */
#ifndef SAMEBITS_ARITHMETIC_SUMS_H
#define SAMEBITS_ARITHMETIC_SUMS_H

#include "base.h"

enum { SB_SUM_CHUNK = 256, SB_SUM_LANES = 16 };

/* What a lane becomes with the next element x; y is of a second array, m is of the result unless said. */
enum sb_term {
  SB_SUM,        /* lane + x */
  SB_MAGNITUDES, /* lane + |x| */
  SB_SQUARES,    /* fma(x, x, lane) */
  SB_PRODUCTS,   /* fma(x, y, lane) */
  SB_DEVIATIONS, /* fma(x - m, x - m, lane) */
  SB_COVARIANCE, /* fma(y, x - m, lane) */
  SB_PRODUCT,    /* lane * x, from 1; joined by multiplication */
  SB_STANDARD,   /* fma(y, (x - m) * r, lane), m and r of the row: down columns alone */
  SB_SUM_OF_Y,   /* lane + y */
  SB_MAXIMUM,    /* maximum(lane, x), from -inf; joined by it */
  SB_MINIMUM,    /* minimum(lane, x), from inf; joined by it */
  SB_TERMS
};

/* Sizes and strides in elements, as reductions.py gives them.  y has the strides of x; m and the result are
   contiguous, [O][I]. */
typedef struct {
  int64_t rows; /* 1: B is contiguous; 0: I is */
  int64_t o, so, i, si, a, sa, b, sb;
} sb_layout;

/* One task: one or two sums of one reading of x and y, all of one type. */
typedef struct {
  int count; /* of sums */
  enum sb_term terms[2];
  void *out[2];
  const sb_layout *at;
  const void *x, *y, *m;
  const void *row_m, *row_r; /* of SB_STANDARD */
  double divisor;            /* of the sums, unless 1 */
  int root;                  /* then the square root */
} sb_summed;

/* Columns that are summed together. */
enum { SB_SUM_BLOCK = 256 };

/* Of float [0] and double [1], down columns [0] and along rows [1]. */
typedef struct {
  /* Whole results from .. to - 1: of the O * I rows, or of the O * blocks of I. */
  void (*total[2][2])(const sb_summed *sum, int64_t from, int64_t to);
  /* Sums of chunks alone, of item n = (row or block) * chunks + chunk: [O][I][chunks] for rows,
     [O][chunks][I] for columns. */
  void (*parts[2][2])(const sb_summed *sum, void *const parts[2], int64_t from, int64_t to);
} sb_sums;

SB_KIND(sb_sums)

/* The sums, parted among threads; `wide`: of double.  Returns 0, or 1 where there is no memory. */
int sb_sum_up(const sb_summed *sum, int wide, int threads);

/* What joins the lanes and the chunks of a term. */
static inline enum sb_term sb_next(enum sb_term term) {
  return term == SB_PRODUCT || term == SB_MAXIMUM || term == SB_MINIMUM ? term : SB_SUM;
}

static inline int64_t sb_chunks_of(int64_t n) { return (n + SB_SUM_CHUNK - 1) / SB_SUM_CHUNK; }
static inline int64_t sb_blocks_of(int64_t n) { return (n + SB_SUM_BLOCK - 1) / SB_SUM_BLOCK; }

#endif
