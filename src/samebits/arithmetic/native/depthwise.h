/* Convolutions whose every output has one channel to look at, for one type of number: included after windows.h.

   SB_L channels lie beside each other, and each is computed in a lane of its own: [place][channel]. */

/* The channels [channel, channel + lanes) of an image, with their zeros. */
static void SB_OF(sb_interleave)(const sb_window *w, int64_t image, int64_t channel, int lanes, SB_T *to) {
  const int same = sizeof(SB_T) == 8 ? w->dtype == SB_F64 : w->dtype == SB_F32;
  const int64_t row = w->padded[2] * SB_L;
  const int64_t from = w->low[2] > 0 ? w->low[2] : 0;
  const int64_t end = w->low[2] + w->size[2] < w->padded[2] ? w->low[2] + w->size[2] : w->padded[2];
  for (int64_t d = 0; d < w->padded[0]; d++)
    for (int64_t h = 0; h < w->padded[1]; h++, to += row) {
      const int64_t at_d = d - w->low[0], at_h = h - w->low[1];
      const int inside = at_d >= 0 && at_d < w->size[0] && at_h >= 0 && at_h < w->size[1] && from < end;
      if (!inside) {
        memset(to, 0, row * sizeof(SB_T));
        continue;
      }
      memset(to, 0, from * SB_L * sizeof(SB_T));
      memset(to + end * SB_L, 0, row * sizeof(SB_T) - end * SB_L * sizeof(SB_T));
      const int64_t at = image * w->to_image + channel * w->to_channel + at_d * w->to[0] + at_h * w->to[1] +
                         (from - w->low[2]) * w->to[2];
      const SB_T *x = (const SB_T *)w->data + at;
      if (same && w->to_channel == 1 && lanes == SB_L)
        for (int64_t n = 0; n < end - from; n++) SB_STORE(to + (from + n) * SB_L, SB_LOAD(x + n * w->to[2]));
      else if (same && w->to[2] == 1)
        SB_OF(sb_turn_padded)(x, w->to_channel, lanes, end - from, to + from * SB_L);
      else
        for (int64_t n = 0; n < end - from; n++)
          for (int l = 0; l < SB_L; l++)
            to[(from + n) * SB_L + l] =
                l < lanes ? (SB_T)sb_get(w->data, w->dtype, at + n * w->to[2] + l * w->to_channel) : 0;
    }
}

/* `count` neighbouring positions of a row. */
static inline __attribute__((always_inline)) void SB_OF(sb_depthwise_run)(const int count, const SB_T *x, int64_t step,
                                                                         int64_t taps, const int64_t *offset,
                                                                         const SB_T *weight, SB_T *to) {
  SB_V sum[8];
#pragma GCC unroll 8
  for (int i = 0; i < count; i++) sum[i] = (SB_V){0};
  for (int64_t t = 0; t < taps; t++) {
    const SB_V factor = SB_LOAD(weight + t * SB_L);
    const SB_T *at = x + offset[t];
#pragma GCC unroll 8
    for (int i = 0; i < count; i++) sum[i] = SB_FMA(factor, SB_LOAD(at + i * step), sum[i]);
  }
#pragma GCC unroll 8
  for (int i = 0; i < count; i++) SB_STORE(to + i * SB_L, sum[i]);
}

/* Weights of the channels' taps beside each other. */
static int SB_OF(sb_depthwise_taps)(const sb_window *w, int64_t **offset) {
  *offset = sb_scratch(SB_SLOT_E, (w->taps + 1) * sizeof(int64_t));
  if (!*offset) return 1;
  for (int64_t t = 0; t < w->taps; t++)
    (*offset)[t] = ((w->tap[3 * t] * w->padded[1] + w->tap[3 * t + 1]) * w->padded[2] + w->tap[3 * t + 2]) * SB_L;
  return 0;
}

/* An image and SB_L channels of a convolution: a row of `p->a` for each channel. */
static int SB_OF(sb_depthwise)(const sb_product *p, const sb_window *w, int64_t image, int64_t channel, int lanes) {
  const int same = sizeof(SB_T) == 8 ? p->out.dtype == SB_F64 : p->out.dtype == SB_F32;
  const int64_t plane = w->padded[1] * w->padded[2], across = w->places[2];
  SB_T *copy = sb_scratch(SB_SLOT_D, w->padded[0] * plane * SB_L * sizeof(SB_T));
  SB_T *weight = sb_scratch(SB_SLOT_A, (w->taps + 1) * SB_L * sizeof(SB_T));
  SB_T *line = sb_scratch(SB_SLOT_C, (across + 8) * SB_L * sizeof(SB_T));
  int64_t *offset;
  if (!copy || !weight || !line || SB_OF(sb_depthwise_taps)(w, &offset)) return 1;
  SB_OF(sb_interleave)(w, image, channel, lanes, copy);
  for (int64_t t = 0; t < w->taps; t++)
    for (int l = 0; l < SB_L; l++)
      weight[t * SB_L + l] = l < lanes ? (SB_T)sb_get(p->a.data, p->a.dtype, (channel + l) * w->taps + t) : 0;
  SB_V bias = {0};
  for (int l = 0; l < lanes && p->bias; l++) bias[l] = (SB_T)sb_get(p->bias, p->bias_dtype, channel + l);
  for (int64_t z = 0; z < w->places[0]; z++)
    for (int64_t y = 0; y < w->places[1]; y++) {
      const SB_T *x = copy + (z * w->step[0] * plane + y * w->step[1] * w->padded[2]) * SB_L;
      const int64_t step = w->step[2] * SB_L;
      int64_t n = 0;
      for (; n + 8 <= across; n += 8)
        SB_OF(sb_depthwise_run)(8, x + n * step, step, w->taps, offset, weight, line + n * SB_L);
      for (; n + 4 <= across; n += 4)
        SB_OF(sb_depthwise_run)(4, x + n * step, step, w->taps, offset, weight, line + n * SB_L);
      for (; n < across; n++)
        SB_OF(sb_depthwise_run)(1, x + n * step, step, w->taps, offset, weight, line + n * SB_L);
      if (p->bias)
        for (n = 0; n < across; n++) SB_STORE(line + n * SB_L, bias + SB_LOAD(line + n * SB_L));
      const int64_t at = w->at_out + image * w->image_out + channel * p->out.row + z * w->to_out[0] + y * w->to_out[1];
      SB_T *to = (SB_T *)p->out.data + at;
      if (same && w->to_out[2] == 1)
        SB_OF(sb_turn)(line, SB_L, across, lanes, to, p->out.row);
      else if (same && p->out.row == 1)
        for (n = 0; n < across; n++) memcpy(to + n * w->to_out[2], line + n * SB_L, lanes * sizeof(SB_T));
      else
        for (n = 0; n < across; n++)
          for (int l = 0; l < lanes; l++)
            sb_put(p->out.data, p->out.dtype, at + n * w->to_out[2] + l * p->out.row, line[n * SB_L + l]);
    }
  return 0;
}

#define SB_TAPS 8 /* that are summed together */

/* The derivative with respect to the weights of SB_L channels: over all images and positions, in chunks. */
static int SB_OF(sb_depthwise_weights)(const sb_product *p, const sb_window *w, int64_t channel, int lanes) {
  const int64_t plane = w->padded[1] * w->padded[2], across = w->places[2];
  const int64_t all = w->places[0] * w->places[1] * across;
  SB_T *copy = sb_scratch(SB_SLOT_D, w->padded[0] * plane * SB_L * sizeof(SB_T));
  SB_T *gradient = sb_scratch(SB_SLOT_B, all * SB_L * sizeof(SB_T));
  const int64_t many = (w->taps + SB_TAPS) * SB_L;
  SB_T *chain = sb_scratch(SB_SLOT_A, 3 * many * sizeof(SB_T)), *group = chain + many, *total = group + many;
  int64_t *offset;
  if (!copy || !gradient || !chain || SB_OF(sb_depthwise_taps)(w, &offset)) return 1;
  sb_window g = {.data = p->a.data, .dtype = p->a.dtype, .to_image = w->image_out, .to_channel = p->a.line};
  for (int d = 0; d < 3; d++) g.size[d] = g.padded[d] = w->places[d], g.to[d] = w->to_out[d];
  memset(chain, 0, many * sizeof(SB_T));
  int64_t k = 0, chunk = 0;
  const int64_t last = w->images * all;
  for (int64_t image = 0; image < w->images; image++) {
    SB_OF(sb_interleave)(w, image, channel, lanes, copy);
    SB_OF(sb_interleave)(&g, image, channel, lanes, gradient);
    for (int64_t done = 0; done < all;) {
      const int64_t x = done % across, y = done / across % w->places[1], z = done / across / w->places[1];
      int64_t count = across - x < SB_CHUNK - k % SB_CHUNK ? across - x : SB_CHUNK - k % SB_CHUNK;
      const SB_T *from = copy + ((z * w->step[0] * w->padded[1] + y * w->step[1]) * w->padded[2] + x * w->step[2]) * SB_L;
      const int64_t step = w->step[2] * SB_L;
      for (int64_t t = 0; t < w->taps; t += SB_TAPS) {
        const int some = w->taps - t < SB_TAPS ? (int)(w->taps - t) : SB_TAPS;
        SB_V sum[SB_TAPS];
        const SB_T *at[SB_TAPS];
#pragma GCC unroll 8
        for (int i = 0; i < SB_TAPS; i++) {
          sum[i] = SB_LOAD(chain + (t + i) * SB_L);
          at[i] = from + offset[i < some ? t + i : t];
        }
        for (int64_t n = 0; n < count; n++) {
          const SB_V one = SB_LOAD(gradient + (done + n) * SB_L);
#pragma GCC unroll 8
          for (int i = 0; i < SB_TAPS; i++) sum[i] = SB_FMA(one, SB_LOAD(at[i] + n * step), sum[i]);
        }
#pragma GCC unroll 8
        for (int i = 0; i < SB_TAPS; i++)
          if (i < some) SB_STORE(chain + (t + i) * SB_L, sum[i]);
      }
      done += count;
      k += count;
      if (k % SB_CHUNK == 0 || k == last) { /* the chain joins its group, and the group what is before it */
        for (int64_t n = 0; n < w->taps * SB_L; n += SB_L) {
          SB_V sum = SB_LOAD(chain + n);
          if (chunk % SB_GROUP != 0) sum = SB_LOAD(group + n) + sum;
          SB_STORE(group + n, sum);
          if (chunk % SB_GROUP != SB_GROUP - 1 && k != last) continue;
          if (chunk >= SB_GROUP) sum = SB_LOAD(total + n) + sum;
          SB_STORE(total + n, sum);
        }
        memset(chain, 0, many * sizeof(SB_T));
        chunk++;
      }
    }
  }
  for (int l = 0; l < lanes; l++)
    for (int64_t t = 0; t < w->taps; t++)
      sb_put(p->out.data, p->out.dtype, (channel + l) * w->taps + t, total[t * SB_L + l]);
  return 0;
}
#undef SB_TAPS
