/* The maps of taps.h, for float or double (see real32.h, real64.h). */

/* Neighbours in memory are outputs of one row: they read with one weight. */
static void N(sb_map_across)(const sb_map *m, int64_t from, int64_t to) {
  for (int64_t line = from; line < to; line++) {
    const int64_t o = line / m->rows, r = line % m->rows;
    const R *image = (const R *)m->x + o * m->source * m->inner;
    R *restrict out = (R *)m->out + line * m->inner;
    if (m->count[r] == 0)
      for (int64_t i = 0; i < m->inner; i++) out[i] = 0;
    for (int64_t first = 0; first < m->inner; first += SB_TAPS_BLOCK) {
      const int64_t end = m->inner - first < SB_TAPS_BLOCK ? m->inner : first + SB_TAPS_BLOCK;
      for (int64_t k = 0; k < m->count[r]; k++) {
        const R *restrict x = image + m->index[k * m->rows + r] * m->inner;
        const R w = m->weight != NULL ? ((const R *)m->weight)[k * m->rows + r] : 1;
        if (k == 0)
          for (int64_t i = first; i < end; i++) out[i] = w * x[i];
        else
          for (int64_t i = first; i < end; i++) out[i] += w * x[i];
      }
    }
  }
}

/* Neighbours in memory are rows: each reads with its own. */
static void N(sb_map_along)(const sb_map *m, int64_t from, int64_t to) {
  for (int64_t o = from; o < to; o++) {
    const R *x = (const R *)m->x + o * m->source;
    R *restrict out = (R *)m->out + o * m->rows;
    for (int64_t k = 0; k < m->taps; k++) {
      const int32_t *restrict index = m->index + k * m->rows;
      const R *restrict w = m->weight != NULL ? (const R *)m->weight + k * m->rows : NULL;
      const int32_t *restrict count = m->count;
      const int64_t n = m->rows;
      if (k == 0 && w == NULL)
        for (int64_t r = 0; r < n; r++) out[r] = count[r] > 0 ? x[index[r]] : 0;
      else if (k == 0)
        for (int64_t r = 0; r < n; r++) out[r] = count[r] > 0 ? w[r] * x[index[r]] : 0;
      else if (w == NULL)
        for (int64_t r = 0; r < n; r++) out[r] = k < count[r] ? out[r] + x[index[r]] : out[r];
      else if (m->complete)
        for (int64_t r = 0; r < n; r++) out[r] = out[r] + w[r] * x[index[r]];
      else
        for (int64_t r = 0; r < n; r++) out[r] = k < count[r] ? out[r] + w[r] * x[index[r]] : out[r];
    }
  }
}

static void N(sb_map)(const sb_map *m, int64_t from, int64_t to) {
  if (m->inner == 1) N(sb_map_along)(m, from, to);
  else N(sb_map_across)(m, from, to);
}
