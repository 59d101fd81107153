/* Convolutions whose every output has one channel to look at, for one type of number: included after windows.h.

   W channels lie beside each other, and each is computed in a lane of its own: [place][channel]. */

/* The channels [channel, channel + lanes) of an image, with their zeros. */
static void N(sb_interleave)(const sb_window *w, int64_t image, int64_t channel, int lanes, R *to) {
  const int same = sizeof(R) == 8 ? w->dtype == SB_F64 : w->dtype == SB_F32;
  const int64_t row = w->padded[2] * W;
  const int64_t from = w->low[2] > 0 ? w->low[2] : 0;
  const int64_t end = w->low[2] + w->size[2] < w->padded[2] ? w->low[2] + w->size[2] : w->padded[2];
  for (int64_t d = 0; d < w->padded[0]; d++)
    for (int64_t h = 0; h < w->padded[1]; h++, to += row) {
      const int64_t at_d = d - w->low[0], at_h = h - w->low[1];
      const int inside = at_d >= 0 && at_d < w->size[0] && at_h >= 0 && at_h < w->size[1] && from < end;
      if (!inside) {
        memset(to, 0, row * sizeof(R));
        continue;
      }
      memset(to, 0, from * W * sizeof(R));
      memset(to + end * W, 0, row * sizeof(R) - end * W * sizeof(R));
      const int64_t at = image * w->to_image + channel * w->to_channel + at_d * w->to[0] + at_h * w->to[1] +
                         (from - w->low[2]) * w->to[2];
      const R *x = (const R *)w->data + at;
      if (same && w->to_channel == 1 && lanes == W)
        for (int64_t n = 0; n < end - from; n++) STORE(to + (from + n) * W, LOAD(x + n * w->to[2]));
      else if (same && w->to[2] == 1)
        N(sb_transpose_padded)(x, w->to_channel, lanes, end - from, to + from * W);
      else
        for (int64_t n = 0; n < end - from; n++)
          for (int l = 0; l < W; l++)
            to[(from + n) * W + l] =
                l < lanes ? (R)sb_get(w->data, w->dtype, at + n * w->to[2] + l * w->to_channel) : 0;
    }
}

/* `count` neighbouring positions of a row. */
static inline __attribute__((always_inline)) void N(sb_depthwise_run)(const int count, const R *x, int64_t step,
                                                                         int64_t taps, const int64_t *offset,
                                                                         const R *weight, R *to) {
  V sum[8];
#pragma GCC unroll 8
  for (int i = 0; i < count; i++) sum[i] = (V){0};
  for (int64_t t = 0; t < taps; t++) {
    const V factor = LOAD(weight + t * W);
    const R *at = x + offset[t];
#pragma GCC unroll 8
    for (int i = 0; i < count; i++) sum[i] = FMA(factor, LOAD(at + i * step), sum[i]);
  }
#pragma GCC unroll 8
  for (int i = 0; i < count; i++) STORE(to + i * W, sum[i]);
}

/* Weights of the channels' taps beside each other. */
static int N(sb_depthwise_taps)(const sb_window *w, int64_t **offset) {
  *offset = sb_scratch(SB_SLOT_E, (w->taps + 1) * sizeof(int64_t));
  if (!*offset) return 1;
  for (int64_t t = 0; t < w->taps; t++)
    (*offset)[t] = ((w->tap[3 * t] * w->padded[1] + w->tap[3 * t + 1]) * w->padded[2] + w->tap[3 * t + 2]) * W;
  return 0;
}

/* An image and W channels of a convolution: a row of `p->a` for each channel. */
static int N(sb_depthwise)(const sb_product *p, const sb_window *w, int64_t image, int64_t channel, int lanes) {
  const int same = sizeof(R) == 8 ? p->out.dtype == SB_F64 : p->out.dtype == SB_F32;
  const int64_t plane = w->padded[1] * w->padded[2], across = w->places[2];
  R *copy = sb_scratch(SB_SLOT_D, w->padded[0] * plane * W * sizeof(R));
  R *weight = sb_scratch(SB_SLOT_A, (w->taps + 1) * W * sizeof(R));
  R *line = sb_scratch(SB_SLOT_C, (across + 8) * W * sizeof(R));
  int64_t *offset;
  if (!copy || !weight || !line || N(sb_depthwise_taps)(w, &offset)) return 1;
  N(sb_interleave)(w, image, channel, lanes, copy);
  for (int64_t t = 0; t < w->taps; t++)
    for (int l = 0; l < W; l++)
      weight[t * W + l] = l < lanes ? (R)sb_get(p->a.data, p->a.dtype, (channel + l) * w->taps + t) : 0;
  V bias = {0};
  for (int l = 0; l < lanes && p->bias; l++) bias[l] = (R)sb_get(p->bias, p->bias_dtype, channel + l);
  for (int64_t z = 0; z < w->places[0]; z++)
    for (int64_t y = 0; y < w->places[1]; y++) {
      const R *x = copy + (z * w->step[0] * plane + y * w->step[1] * w->padded[2]) * W;
      const int64_t step = w->step[2] * W;
      int64_t n = 0;
      for (; n + 8 <= across; n += 8)
        N(sb_depthwise_run)(8, x + n * step, step, w->taps, offset, weight, line + n * W);
      for (; n + 4 <= across; n += 4)
        N(sb_depthwise_run)(4, x + n * step, step, w->taps, offset, weight, line + n * W);
      for (; n < across; n++)
        N(sb_depthwise_run)(1, x + n * step, step, w->taps, offset, weight, line + n * W);
      if (p->bias)
        for (n = 0; n < across; n++) STORE(line + n * W, bias + LOAD(line + n * W));
      const int64_t at = w->at_out + image * w->image_out + channel * p->out.row + z * w->to_out[0] + y * w->to_out[1];
      R *to = (R *)p->out.data + at;
      if (same && w->to_out[2] == 1)
        N(sb_transpose_lines)(line, W, across, lanes, to, p->out.row);
      else if (same && p->out.row == 1)
        for (n = 0; n < across; n++) memcpy(to + n * w->to_out[2], line + n * W, lanes * sizeof(R));
      else
        for (n = 0; n < across; n++)
          for (int l = 0; l < lanes; l++)
            sb_put(p->out.data, p->out.dtype, at + n * w->to_out[2] + l * p->out.row, line[n * W + l]);
    }
  return 0;
}

#define SB_TAPS 8 /* that are summed together */

/* The derivative with respect to the weights of W channels: over all images and positions, in chunks. */
static int N(sb_depthwise_weights)(const sb_product *p, const sb_window *w, int64_t channel, int lanes) {
  const int64_t plane = w->padded[1] * w->padded[2], across = w->places[2];
  const int64_t all = w->places[0] * w->places[1] * across;
  R *copy = sb_scratch(SB_SLOT_D, w->padded[0] * plane * W * sizeof(R));
  R *gradient = sb_scratch(SB_SLOT_B, all * W * sizeof(R));
  const int64_t many = (w->taps + SB_TAPS) * W;
  R *chain = sb_scratch(SB_SLOT_A, 3 * many * sizeof(R)), *group = chain + many, *total = group + many;
  int64_t *offset;
  if (!copy || !gradient || !chain || N(sb_depthwise_taps)(w, &offset)) return 1;
  sb_window g = {.data = p->a.data, .dtype = p->a.dtype, .to_image = w->image_out, .to_channel = p->a.line};
  for (int d = 0; d < 3; d++) g.size[d] = g.padded[d] = w->places[d], g.to[d] = w->to_out[d];
  memset(chain, 0, many * sizeof(R));
  int64_t k = 0, chunk = 0;
  const int64_t last = w->images * all;
  for (int64_t image = 0; image < w->images; image++) {
    N(sb_interleave)(w, image, channel, lanes, copy);
    N(sb_interleave)(&g, image, channel, lanes, gradient);
    for (int64_t done = 0; done < all;) {
      const int64_t x = done % across, y = done / across % w->places[1], z = done / across / w->places[1];
      int64_t count = across - x < SB_CHUNK - k % SB_CHUNK ? across - x : SB_CHUNK - k % SB_CHUNK;
      const R *from = copy + ((z * w->step[0] * w->padded[1] + y * w->step[1]) * w->padded[2] + x * w->step[2]) * W;
      const int64_t step = w->step[2] * W;
      for (int64_t t = 0; t < w->taps; t += SB_TAPS) {
        const int some = w->taps - t < SB_TAPS ? (int)(w->taps - t) : SB_TAPS;
        V sum[SB_TAPS];
        const R *at[SB_TAPS];
#pragma GCC unroll 8
        for (int i = 0; i < SB_TAPS; i++) {
          sum[i] = LOAD(chain + (t + i) * W);
          at[i] = from + offset[i < some ? t + i : t];
        }
        for (int64_t n = 0; n < count; n++) {
          const V one = LOAD(gradient + (done + n) * W);
#pragma GCC unroll 8
          for (int i = 0; i < SB_TAPS; i++) sum[i] = FMA(one, LOAD(at[i] + n * step), sum[i]);
        }
#pragma GCC unroll 8
        for (int i = 0; i < SB_TAPS; i++)
          if (i < some) STORE(chain + (t + i) * W, sum[i]);
      }
      done += count;
      k += count;
      if (k % SB_CHUNK == 0 || k == last) { /* the chain joins its group, and the group what is before it */
        for (int64_t n = 0; n < w->taps * W; n += W) {
          V sum = LOAD(chain + n);
          if (chunk % SB_GROUP != 0) sum = LOAD(group + n) + sum;
          STORE(group + n, sum);
          if (chunk % SB_GROUP != SB_GROUP - 1 && k != last) continue;
          if (chunk >= SB_GROUP) sum = LOAD(total + n) + sum;
          STORE(total + n, sum);
        }
        memset(chain, 0, many * sizeof(R));
        chunk++;
      }
    }
  }
  for (int l = 0; l < lanes; l++)
    for (int64_t t = 0; t < w->taps; t++)
      sb_put(p->out.data, p->out.dtype, (channel + l) * w->taps + t, total[t * W + l]);
  return 0;
}
#undef SB_TAPS
#undef SB_COLUMNS /* they hang on the type */
#undef SB_TILE
