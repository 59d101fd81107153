/* Steps of recurrent layers, cut into rows for the threads. */
#include "recurrent.h"

enum { SB_STEP_LEAST = 1 << 11 }; /* numbers of the output for a thread */

static void sb_do_lstm(void *what, int64_t from, int64_t to) { sb_recurrent_now()->lstm(what, from, to); }
static void sb_do_slope(void *what, int64_t from, int64_t to) { sb_recurrent_now()->lstm_slope(what, from, to); }

static int64_t sb_least_rows(int64_t hidden) { return hidden < SB_STEP_LEAST ? SB_STEP_LEAST / (hidden + 1) + 1 : 1; }

/* All arrays are contiguous. */
void sb_lstm_forward(int64_t rows, int64_t hidden, const void *input_gates, const void *hidden_gates, const void *cell,
                     void *gates, void *next_cell, void *squashed, void *output, int threads) {
  sb_lstm_step s = {rows, hidden, input_gates, hidden_gates, cell, gates, next_cell, squashed, output};
  sb_parallel(rows, sb_least_rows(hidden), threads, sb_do_lstm, &s);
}

void sb_lstm_backward(int64_t rows, int64_t hidden, const void *gates, const void *cell, const void *squashed,
                      const void *grad_output, const void *grad_next, void *grad_gates, void *grad_cell, int threads) {
  sb_lstm_slope s = {rows, hidden, gates, cell, squashed, grad_output, grad_next, grad_gates, grad_cell};
  sb_parallel(rows, sb_least_rows(hidden), threads, sb_do_slope, &s);
}
