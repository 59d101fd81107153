/* Sums along rows, for float or double: a row is A runs of B elements. */

SB_INLINE R N(sb_finished)(const sb_summed *sum, R total) {
  if (sum->divisor != 1) total /= (R)sum->divisor;
  return sum->root ? ROOT(total) : total;
}

/* The sums of the chunks first .. first + count - 1 of a row. */
static void N(sb_row_chunks)(const sb_summed *sum, const R *x, const R *y, R m, int64_t first, int64_t count,
                             R *const out[2]) {
  enum { GATHERED = 8 * SB_SUM_CHUNK, NEAR = 16 * SB_SUM_CHUNK /* in the cache for the second sum */ };
  const sb_layout *at = sum->at;
  const int64_t n = at->a * at->b, start = first * SB_SUM_CHUNK, stop = start + count * SB_SUM_CHUNK;
  const int64_t end = stop < n ? stop : n;
  R xs[GATHERED], ys[GATHERED];
  for (int64_t from = start, length; from < end; from += length) {
    int64_t run = from / at->b, in = from % at->b;
    const R *here_x = x + run * at->sa + in, *here_y = y + run * at->sa + in;
    length = at->b - in;
    if (length > end - from) length = end - from;
    if (from + length < end) length -= length % SB_SUM_CHUNK;
    if (length > NEAR && sum->count > 1) length = NEAR;
    if (length == 0) { /* the chunk goes on in the next run */
      length = at->b < 2 * SB_SUM_CHUNK ? GATHERED : SB_SUM_CHUNK;
      if (length > end - from) length = end - from;
      for (int64_t got = 0; got < length; run++, in = 0) {
        const int64_t here = run * at->sa + in;
        const int64_t take = at->b - in < length - got ? at->b - in : length - got;
        memcpy(xs + got, x + here, take * sizeof(R));
        if (y != x) memcpy(ys + got, y + here, take * sizeof(R));
        got += take;
      }
      here_x = xs;
      here_y = y != x ? ys : xs;
    }
    for (int t = 0; t < sum->count; t++)
      N(sb_along)[sum->terms[t]].chunks(here_x, here_y, m, length, out[t] + (from - start) / SB_SUM_CHUNK);
  }
}

static void N(sb_long_row)(const sb_summed *sum, const R *x, const R *y, R m, R results[2]) {
  enum { HERE = 1024 };
  const int64_t chunks = sb_chunks_of(sum->at->a * sum->at->b);
  R few[2 * HERE], *sums = chunks <= HERE ? few : sb_scratch(SB_SLOT_B, 2 * chunks * sizeof(R));
  R *const out[2] = {sums, sums + chunks};
  N(sb_row_chunks)(sum, x, y, m, 0, chunks, out);
  for (int t = 0; t < sum->count; t++)
    results[t] = N(sb_along)[sb_next(sum->terms[t])].whole(out[t], out[t], 0, chunks);
}

static void N(sb_rows_total)(const sb_summed *sum, int64_t from, int64_t to) {
  enum { NEAR = 16 * SB_SUM_CHUNK };
  const sb_layout *at = sum->at;
  const R *x = sum->x, *y = sum->y, *m = sum->m;
  const int whole = at->a == 1 && (sum->count == 1 || at->b <= NEAR);
  int64_t o = from / at->i, i = from % at->i;
  for (int64_t row = from; row < to; row++) {
    const int64_t here = o * at->so + i * at->si;
    const R of_m = m != NULL ? m[row] : 0;
    R results[2];
    if (whole)
      for (int t = 0; t < sum->count; t++)
        results[t] = N(sb_along)[sum->terms[t]].whole(x + here, y + here, of_m, at->b);
    else N(sb_long_row)(sum, x + here, y + here, of_m, results);
    for (int t = 0; t < sum->count; t++) ((R *)sum->out[t])[row] = N(sb_finished)(sum, results[t]);
    if (++i == at->i) i = 0, o++;
  }
}

static void N(sb_rows_parts)(const sb_summed *sum, void *const parts[2], int64_t from, int64_t to) {
  const sb_layout *at = sum->at;
  const int64_t chunks = sb_chunks_of(at->a * at->b);
  while (from < to) {
    const int64_t row = from / chunks, chunk = from % chunks;
    const int64_t count = chunks - chunk < to - from ? chunks - chunk : to - from;
    const int64_t here = row / at->i * at->so + row % at->i * at->si;
    R *const out[2] = {(R *)parts[0] + from, (R *)parts[1] + from};
    N(sb_row_chunks)(sum, (const R *)sum->x + here, (const R *)sum->y + here,
                     sum->m != NULL ? ((const R *)sum->m)[row] : 0, chunk, count, out);
    from += count;
  }
}
