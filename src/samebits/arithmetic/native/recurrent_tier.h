/* The steps of recurrent.h with one set of instructions. */
#include "functions.h"
#include "recurrent.h"

static void sb_lstm(const sb_lstm_step *s, int64_t from, int64_t to) {
  const int64_t h = s->hidden;
  for (int64_t row = from; row < to; row++) {
    const float *x = s->input_gates + row * 4 * h, *y = s->hidden_gates + row * 4 * h;
    float *gates = s->gates + row * 4 * h;
    for (int64_t n = 0; n < 2 * h; n++) gates[n] = sb_sigmoid(y[n] + x[n]);
    for (int64_t n = 2 * h; n < 3 * h; n++) gates[n] = sb_tanh(y[n] + x[n]);
    for (int64_t n = 3 * h; n < 4 * h; n++) gates[n] = sb_sigmoid(y[n] + x[n]);
    const float *in = gates, *forget = gates + h, *new = gates + 2 * h, *out = gates + 3 * h, *c = s->cell + row * h;
    float *next = s->next_cell + row * h, *squashed = s->squashed + row * h, *output = s->output + row * h;
    for (int64_t n = 0; n < h; n++) {
      next[n] = forget[n] * c[n] + in[n] * new[n];
      squashed[n] = sb_tanh(next[n]);
      output[n] = out[n] * squashed[n];
    }
  }
}

/* g y (1 - y): of a sigmoid y */
static inline float sb_of_sigmoid(float g, float y) { return (g * (1.0f - y)) * y; }

/* g (1 - y**2): of a tanh y */
static inline float sb_of_tanh(float g, float y) { return g * __builtin_fmaf(-y, y, 1.0f); }

static void sb_lstm_slopes(const sb_lstm_slope *s, int64_t from, int64_t to) {
  const int64_t h = s->hidden;
  for (int64_t row = from; row < to; row++) {
    const float *in = s->gates + row * 4 * h, *forget = in + h, *new = in + 2 * h, *out = in + 3 * h;
    const float *c = s->cell + row * h, *squashed = s->squashed + row * h;
    const float *g = s->grad_output + row * h, *later = s->grad_next + row * h;
    float *to_in = s->grad_gates + row * 4 * h, *to_forget = to_in + h, *to_new = to_in + 2 * h;
    float *to_out = to_in + 3 * h, *to_cell = s->grad_cell + row * h;
    for (int64_t n = 0; n < h; n++) {
      const float cell = later[n] + sb_of_tanh(g[n] * out[n], squashed[n]);
      to_out[n] = sb_of_sigmoid(g[n] * squashed[n], out[n]);
      to_in[n] = sb_of_sigmoid(cell * new[n], in[n]);
      to_forget[n] = sb_of_sigmoid(cell * c[n], forget[n]);
      to_new[n] = sb_of_tanh(cell * in[n], new[n]);
      to_cell[n] = cell * forget[n];
    }
  }
}

const sb_recurrent SB_NAMED(sb_recurrent_, SB_TIER) = {.lstm = sb_lstm, .lstm_slope = sb_lstm_slopes};
