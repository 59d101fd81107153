/* Attention, a block of queries after the other, without the whole matrix of scores.

   It is what products and softmax give one by one (attention.py has the formula): which rows are done together
   changes no bits. */
#ifndef SAMEBITS_ARITHMETIC_ATTENTION_H
#define SAMEBITS_ARITHMETIC_ATTENTION_H

#include "base.h"

/* Rows of a batch and a head; neighbouring numbers of a row are neighbours in memory. */
typedef struct {
  char *data;
  int64_t batch, head, row; /* how far they lie apart, in elements */
} sb_heads;

typedef struct {
  int64_t batches, heads, queries, keys, depth, values; /* numbers of a query and a key; of a value */
  int wide, causal;       /* double; whether query i has the keys up to i alone */
  sb_heads q, k, v;       /* q and k are scaled */
  const char *mask;       /* null, or what is added to the scores */
  int64_t mask_at[4];     /* its strides: batch, head, row, column */
  sb_heads out;           /* forward, made; backward, its gradient */
  sb_heads to_q, to_k, to_v; /* backward, made */
  int failed;
} sb_attention;

#endif
