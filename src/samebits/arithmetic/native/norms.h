/* Normalizations of an array [O][C][L]: over L for each row (layer), over L and the C / groups channels of a
   group (group), over O and L for each channel (batch). */
#ifndef SAMEBITS_ARITHMETIC_NORMS_H
#define SAMEBITS_ARITHMETIC_NORMS_H

#include "base.h"

/* Null: there is none.  A weight that is absent counts as 1, a bias as -0. */
typedef struct {
  int64_t o, c, l, groups;
  double eps;
  const void *x, *weight, *bias;
  const void *grad;      /* backward: of the result */
  void *out;             /* the result, or the gradient of x */
  void *mean, *rstd;     /* forward: results; backward: given; [O] layer, [O][groups] group, [C] batch */
  void *sums, *products; /* of grad, and of grad (x - mean): [O][C] group, [C] batch */
  /* Batch. */
  void *running_mean, *running_var;
  int training;
  double momentum;
  void *slope, *shift, *factor; /* [C]: gradient of x = fma(-(x - mean), slope, grad - shift) * factor,
                                  or grad * factor without training */
} sb_norm;

/* Of float [0] and double [1].  Items from .. to - 1 are rows (layer), O * groups (group), O * C runs of L
   (batch), or O rows of C where L is 1. */
typedef struct {
  void (*layer[2])(const sb_norm *norm, int64_t from, int64_t to);
  void (*layer_backward[2])(const sb_norm *norm, int64_t from, int64_t to);
  void (*group[2])(const sb_norm *norm, int64_t from, int64_t to);
  void (*group_backward[2])(const sb_norm *norm, int64_t from, int64_t to);
  void (*batch[2])(const sb_norm *norm, int64_t from, int64_t to);
  void (*batch_backward[2])(const sb_norm *norm, int64_t from, int64_t to);
  /* For each channel: from the mean and D(x - mean, x - mean) in rstd, rstd and the running statistics;
     without training, mean and rstd from those.  Backward: slope, shift, factor; products become the weight's
     gradient. */
  void (*statistics[2])(const sb_norm *norm);
  void (*constants[2])(const sb_norm *norm);
} sb_norms;

SB_KIND(sb_norms)

#endif
