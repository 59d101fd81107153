/* Products of matrices and convolutions: what is asked of a tier.  docs/reference/portable.md has the order. */
#ifndef SAMEBITS_ARITHMETIC_PRODUCTS_H
#define SAMEBITS_ARITHMETIC_PRODUCTS_H

#include "base.h"

#define SB_CHUNK 256 /* of k: one chain */
#define SB_GROUP 16  /* chunks whose sums are added before those of the next group */

/* One side of a product: `lines` (rows of the left side, columns of the right) of k numbers each. */
typedef struct sb_operand sb_operand;
struct sb_operand {
  /* Put a panel's lines beside each other, `wide` of them with zeros for those that are absent, k after k. */
  void (*pack)(const sb_operand *o, int64_t line, int lines, int wide, int64_t k, int64_t depth, void *panel);
  /* Before the panels of so many lines and k are packed, or null. */
  int (*prepare)(const sb_operand *o, int64_t line, int64_t lines, int64_t k, int64_t depth);
  const void *data;
  int dtype;
  int64_t line, along;       /* a plain matrix: how far lines, and a line's numbers, lie apart */
  const struct sb_window *window; /* a convolution's */
};

typedef struct sb_result sb_result;
struct sb_result {
  void *data;
  int dtype;
  int64_t row;    /* how far rows lie apart */
  int64_t column; /* how far columns of a plain matrix lie apart */
  int is_run;     /* whether neighbouring columns with neighbouring places at both ends are neighbours throughout */
  void (*places)(const sb_result *o, int64_t column, int columns, int64_t *places);
  const struct sb_window *window;
};

typedef struct {
  int64_t m, n, k;
  int64_t wide; /* how many columns are done together */
  sb_operand a, b;
  sb_result out;
  const void *bias; /* null, or what is added: beta times it */
  int bias_dtype;
  int64_t bias_row, bias_column;
  double alpha, beta;
} sb_product;

/* Numbers of the positions of a window over images of up to three dimensions. */
typedef struct sb_window {
  const void *data;
  int dtype;
  int64_t images, channels, size[3];         /* of the source */
  int64_t to_image, to_channel, to[3];       /* how far its images, channels, planes, rows, numbers lie apart */
  int64_t low[3], padded[3];                 /* zeros before, and the sizes with all zeros; low < 0 leaves out */
  int64_t step[3], places[3];                /* of the positions: how far apart, and how many */
  int64_t taps;                              /* of a position and a channel: */
  const int64_t *tap;                        /* where they lie, [taps][3], from the position in the padded source */
  int64_t image_out, at_out, to_out[3];      /* where the result of a position belongs, if it is one */
} sb_window;

typedef struct {
  /* Where a float32 or a float64 product's panels end: rows, columns. */
  int rows[2], columns[2];
  void (*pack_matrix[2])(const sb_operand *, int64_t, int, int, int64_t, int64_t, void *);
  void (*pack_positions[2])(const sb_operand *, int64_t, int, int, int64_t, int64_t, void *);
  void (*pack_taps[2])(const sb_operand *, int64_t, int, int, int64_t, int64_t, void *);
  void (*pack_results[2])(const sb_operand *, int64_t, int, int, int64_t, int64_t, void *);
  int (*prepare_positions[2])(const sb_operand *, int64_t, int64_t, int64_t, int64_t);
  int (*prepare_taps[2])(const sb_operand *, int64_t, int64_t, int64_t, int64_t);
  int (*block[2])(const sb_product *, int64_t, int64_t, int64_t, int64_t);
  /* Where each output has one channel: an image's, and the derivative's of the weights, for so many lanes at once. */
  int lanes[2];
  int (*depthwise[2])(const sb_product *, const sb_window *, int64_t image, int64_t channel, int lanes);
  int (*depthwise_weights[2])(const sb_product *, const sb_window *, int64_t channel, int lanes);
} sb_products;

SB_KIND(sb_products)

#endif
