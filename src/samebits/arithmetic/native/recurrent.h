/* What a step of a recurrent layer does besides its products.  docs/reference/portable.md has the formulas. */
#ifndef SAMEBITS_ARITHMETIC_RECURRENT_H
#define SAMEBITS_ARITHMETIC_RECURRENT_H

#include "base.h"

/* A step of an LSTM: rows of a batch, H numbers each; gates are [rows][4 H], in torch's order i, f, g, o. */
typedef struct {
  int64_t rows, hidden;
  const float *input_gates, *hidden_gates, *cell; /* read */
  float *gates, *next_cell, *squashed, *output;   /* made: the activations, the cell, its tanh, the output */
} sb_lstm_step;

/* Its derivative. */
typedef struct {
  int64_t rows, hidden;
  const float *gates, *cell, *squashed;  /* of the step */
  const float *grad_output, *grad_next;  /* of the output, and of the cell from the step after */
  float *grad_gates, *grad_cell;         /* made */
} sb_lstm_slope;

typedef struct {
  void (*lstm)(const sb_lstm_step *s, int64_t from, int64_t to); /* these rows */
  void (*lstm_slope)(const sb_lstm_slope *s, int64_t from, int64_t to);
} sb_recurrent;

SB_KIND(sb_recurrent)

#endif
