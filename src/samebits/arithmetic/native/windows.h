/* Windows over images, for one type of number: included after blocks.h.

   The part of the source that a block needs is copied with its zeros, so that no tap is ever outside:
   [image][channel][plane][row][phase][number], where the phases are the numbers of a row modulo the step along it.
   The same tap of neighbouring positions is then a run of memory, whatever the step. */

/* Where runs of positions lie in the copy, and in a panel. */
typedef struct {
  int64_t from;
  int to, count;
} N(sb_run);

static int N(sb_find_taps)(const sb_window *w) {
  sb_copy *c = &sb_copied;
  const int64_t phases = w->step[2];
  c->offsets = sb_scratch(SB_SLOT_E, (w->taps + 1) * sizeof(int64_t));
  if (!c->offsets) return 1;
  for (int64_t t = 0; t < w->taps; t++) {
    const int64_t *tap = w->tap + 3 * t;
    c->offsets[t] = tap[0] * c->plane + tap[1] * c->row + tap[2] % phases * c->part + tap[2] / phases;
  }
  return 0;
}

static int N(sb_pad)(const sb_operand *o, int64_t image, int64_t images, int64_t channel, int64_t channels) {
  const sb_window *w = o->window;
  sb_copy *c = &sb_copied;
  if (c->of == w && image >= c->image && image + images <= c->image + c->images && channel >= c->channel &&
      channel + channels <= c->channel + c->channels)
    return 0;
  const int same = sizeof(R) == 8 ? w->dtype == SB_F64 : w->dtype == SB_F32;
  if (same && w->to[2] == 1 && w->step[2] == 1 && sb_reaches_within(w)) { /* nothing is to be copied */
    const R *end = (const R *)w->data + (w->images - 1) * w->to_image + (w->channels - 1) * w->to_channel;
    for (int d = 0; d < 3; d++) end += (w->size[d] - 1) * w->to[d];
    *c = (sb_copy){w, image, images, channel, channels, w->to[1], w->to[0], w->to_channel, 0, w->to_image};
    c->numbers = (R *)w->data + image * w->to_image + channel * w->to_channel;
    c->end = end + 1;
    return N(sb_find_taps)(w);
  }
  const int64_t phases = w->step[2], part = (w->padded[2] + phases - 1) / phases, row = phases * part;
  const int64_t plane = w->padded[1] * row, all = w->padded[0] * plane;
  *c = (sb_copy){w, image, images, channel, channels, row, plane, all, part, channels * all};
  R *copy = c->numbers = sb_scratch(SB_SLOT_D, (images * channels * all + 2 * W) * sizeof(R));
  c->end = copy + images * channels * all + 2 * W;
  if (!copy || N(sb_find_taps)(w)) {
    c->of = NULL;
    return 1;
  }
  const int64_t from = w->low[2] > 0 ? w->low[2] : 0;
  const int64_t end = w->low[2] + w->size[2] < w->padded[2] ? w->low[2] + w->size[2] : w->padded[2];
  const int by_channels = same && w->to_channel == 1 && w->to[2] != 1 && phases == 1;
  for (int64_t n = 0; n < images; n++)
    for (int64_t d = 0; d < w->padded[0]; d++)
      for (int64_t h = 0; h < w->padded[1]; h++) {
        const int64_t at_d = d - w->low[0], at_h = h - w->low[1];
        const int inside = at_d >= 0 && at_d < w->size[0] && at_h >= 0 && at_h < w->size[1] && from < end;
        R *rows = copy + n * channels * all + d * plane + h * row;
        const int64_t source = (image + n) * w->to_image + channel * w->to_channel + at_d * w->to[0] +
                               at_h * w->to[1] - w->low[2] * w->to[2];
        for (int64_t ch = 0; ch < channels; ch++) {
          R *line = rows + ch * all;
          const int64_t at = source + ch * w->to_channel;
          if (!inside || phases > 1) {
            memset(line, 0, row * sizeof(R));
            if (!inside) continue;
          } else {
            memset(line, 0, from * sizeof(R));
            memset(line + end, 0, (row - end) * sizeof(R));
          }
          if (by_channels) continue;
          if (same && w->to[2] == 1 && phases == 1)
            memcpy(line + from, (const R *)w->data + at + from, (end - from) * sizeof(R));
          else if (same)
            for (int64_t f = 0; f < phases; f++) {
              const int64_t first = (from - f + phases - 1) / phases;
              const R *x = (const R *)w->data + at + f * w->to[2];
              for (int64_t q = first < 0 ? 0 : first; f + q * phases < end; q++)
                line[f * part + q] = x[q * phases * w->to[2]];
            }
          else
            for (int64_t x = from; x < end; x++)
              line[x % phases * part + x / phases] = (R)sb_get(w->data, w->dtype, at + x * w->to[2]);
        }
        if (by_channels && inside)
          N(sb_transpose_lines)((const R *)w->data + source + from * w->to[2], w->to[2], end - from, channels,
                         rows + from, all);
      }
  return 0;
}

/* The runs of `count` positions from `first`, as many as are returned. */
static int N(sb_runs)(const sb_window *w, int64_t first, int64_t count, N(sb_run) *runs) {
  const sb_copy *c = &sb_copied;
  const int64_t across = w->places[2], down = w->places[1], all = w->places[0] * down * across;
  int64_t image = first / all, rest = first % all;
  int64_t x = rest % across, y = rest / across % down, z = rest / across / down;
  int n = 0, to = 0;
  while (to < count) {
    const int64_t some = across - x < count - to ? across - x : count - to;
    const int64_t from = (image - c->image) * c->image_apart + z * w->step[0] * c->plane +
                         y * w->step[1] * c->row + x;
    if (n > 0 && runs[n - 1].from + runs[n - 1].count == from)
      runs[n - 1].count += (int)some;
    else
      runs[n++] = (N(sb_run)){from, to, (int)some};
    to += (int)some;
    x = 0;
    if (++y == down) {
      y = 0;
      if (++z == w->places[0]) z = 0, image++;
    }
  }
  return n;
}

/* Copies of whole vectors: what is too much is overwritten by the next run, or lies behind the end. */
static inline __attribute__((always_inline)) void N(sb_copy_runs)(const N(sb_run) *runs, int n,
                                                                      const R *from, R *to) {
  const R *end = sb_copied.end;
  for (int r = 0; r < n; r++) {
    const R *x = from + runs[r].from;
    if (x + runs[r].count + W > end)
      memcpy(to + runs[r].to, x, runs[r].count * sizeof(R));
    else
      for (int i = 0; i < runs[r].count; i += W) STORE(to + runs[r].to + i, LOAD(x + i));
  }
}

/* Lines are positions, and k is (channel, tap). */
static int N(sb_prepare_positions)(const sb_operand *o, int64_t line, int64_t lines, int64_t k, int64_t depth) {
  const sb_window *w = o->window;
  const int64_t all = w->places[0] * w->places[1] * w->places[2];
  const int64_t image = line / all, images = (line + lines - 1) / all - image + 1;
  const int64_t channel = k / w->taps, channels = (k + depth - 1) / w->taps - channel + 1;
  return N(sb_pad)(o, image, images, channel, channels);
}

static void N(sb_pack_positions)(const sb_operand *o, int64_t line, int lines, int wide, int64_t k, int64_t depth,
                                     void *panel) {
  const sb_window *w = o->window;
  const sb_copy *c = &sb_copied;
  N(sb_run) runs[SB_COLUMNS];
  const int n = N(sb_runs)(w, line, lines, runs);
  R *to = panel;
  if (lines < wide) memset(panel, 0, wide * depth * sizeof(R));
  int64_t tap = k % w->taps;
  const R *from = (const R *)c->numbers + (k / w->taps - c->channel) * c->all;
  for (int64_t d = 0; d < depth; d++, to += wide) {
    N(sb_copy_runs)(runs, n, from + c->offsets[tap], to);
    if (++tap == w->taps) tap = 0, from += c->all;
  }
}

/* Lines are (channel, tap), and k is positions. */
static int N(sb_prepare_taps)(const sb_operand *o, int64_t line, int64_t lines, int64_t k, int64_t depth) {
  const sb_window *w = o->window;
  const int64_t all = w->places[0] * w->places[1] * w->places[2];
  const int64_t image = k / all, images = (k + depth - 1) / all - image + 1;
  const int64_t channel = line / w->taps, channels = (line + lines - 1) / w->taps - channel + 1;
  return N(sb_pad)(o, image, images, channel, channels);
}

static void N(sb_pack_taps)(const sb_operand *o, int64_t line, int lines, int wide, int64_t k, int64_t depth,
                                void *panel) {
  const sb_window *w = o->window;
  const sb_copy *c = &sb_copied;
  N(sb_run) runs[SB_CHUNK];
  R gathered[SB_COLUMNS * SB_CHUNK + W];
  const R *from[SB_COLUMNS];
  const int n = N(sb_runs)(w, k, depth, runs);
  for (int l = 0; l < lines; l++) {
    const int64_t channel = (line + l) / w->taps, tap = (line + l) % w->taps;
    from[l] = (const R *)c->numbers + (channel - c->channel) * c->all + c->offsets[tap];
  }
  if (n * 64 <= depth) { /* long runs are turned where they lie */
    for (int r = 0; r < n; r++)
      N(sb_pack_lines)(from, runs[r].from, lines, wide, runs[r].count, (R *)panel + runs[r].to * wide);
    return;
  }
  for (int l = 0; l < lines; l++) N(sb_copy_runs)(runs, n, from[l], gathered + l * SB_CHUNK);
  N(sb_pack_along)(gathered, SB_CHUNK, lines, wide, depth, panel);
}

/* Lines are channels of the result, and k is its positions. */
static void N(sb_pack_results)(const sb_operand *o, int64_t line, int lines, int wide, int64_t k, int64_t depth,
                                   void *panel) {
  const sb_window *w = o->window;
  const int same = sizeof(R) == 8 ? o->dtype == SB_F64 : o->dtype == SB_F32;
  R gathered[SB_COLUMNS * SB_CHUNK];
  R *to = panel;
  for (int64_t done = 0; done < depth;) {
    int64_t count;
    const int64_t at = line * o->line + sb_place(w, k + done, &count);
    count = count < depth - done ? count : depth - done;
    if (same && o->line == 1)
      for (int64_t n = 0; n < count; n++)
        N(sb_pack_across)((const R *)o->data + at + n * w->to_out[2], 0, lines, wide, 1, to + (done + n) * wide);
    else if (same && w->to_out[2] == 1)
      for (int l = 0; l < lines; l++)
        memcpy(gathered + l * SB_CHUNK + done, (const R *)o->data + at + l * o->line, count * sizeof(R));
    else
      for (int l = 0; l < lines; l++)
        for (int64_t n = 0; n < count; n++)
          gathered[l * SB_CHUNK + done + n] =
              (R)sb_get(o->data, o->dtype, at + l * o->line + n * w->to_out[2]);
    done += count;
  }
  if (!same || o->line != 1) N(sb_pack_along)(gathered, SB_CHUNK, lines, wide, depth, panel);
}
