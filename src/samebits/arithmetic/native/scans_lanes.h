/* Scans of float or double. */

/* One row, four chunks in flight. */
SB_INLINE void N(sb_scan_row)(enum sb_scan_kind kind, const R *x, R *out, int64_t n) {
  enum { FLIGHT = 4, CHUNK = SB_SCAN_CHUNK };
  double p[FLIGHT * CHUNK];
  sb_scan_levels levels = {0};
  for (int64_t at = 0; at < n; at += FLIGHT * CHUNK) {
    const int length = n - at < FLIGHT * CHUNK ? (int)(n - at) : FLIGHT * CHUNK;
    for (int j = 0; j < length; j++) p[j] = x[at + j];
    for (int j = length; j < FLIGHT * CHUNK; j++) p[j] = 0;
    const int longest = length < CHUNK ? length : CHUNK;
    for (int j = 1; j < longest; j++)
#pragma GCC unroll 4
      for (int k = 0; k < FLIGHT; k++)
        p[k * CHUNK + j] = sb_scan_step(kind, p[k * CHUNK + j - 1], p[k * CHUNK + j]);
    for (int start = 0; start < length; start += CHUNK) {
      const int end = start + CHUNK < length ? start + CHUNK : length;
      if (at + start == 0)
        for (int j = start; j < end; j++) out[j] = (R)p[j];
      else
        for (int j = start; j < end; j++) out[at + j] = (R)sb_scan_step(kind, levels.value, p[j]);
      sb_scan_total(kind, &levels, p[end - 1]);
    }
  }
}

/* Columns side by side, the rows `apart` from each other. */
SB_INLINE void N(sb_scan_columns)(enum sb_scan_kind kind, const R *x, R *out, int64_t n, int64_t apart,
                                  int w) {
  double p[SB_SCAN_BLOCK];
  sb_scan_levels levels[SB_SCAN_BLOCK];
  memset(levels, 0, sizeof levels);
  for (int64_t r = 0; r < n; r++, x += apart, out += apart) {
    if (r % SB_SCAN_CHUNK == 0) {
      if (r > 0)
        for (int c = 0; c < w; c++) sb_scan_total(kind, &levels[c], p[c]);
      for (int c = 0; c < w; c++) p[c] = x[c];
    } else {
      for (int c = 0; c < w; c++) p[c] = sb_scan_step(kind, p[c], x[c]);
    }
    if (r < SB_SCAN_CHUNK)
      for (int c = 0; c < w; c++) out[c] = (R)p[c];
    else
      for (int c = 0; c < w; c++) out[c] = (R)sb_scan_step(kind, levels[c].value, p[c]);
  }
}

SB_INLINE void N(sb_scan_some)(enum sb_scan_kind kind, const sb_scan *scan, int64_t from, int64_t to) {
  const int64_t blocks = (scan->i + SB_SCAN_BLOCK - 1) / SB_SCAN_BLOCK;
  for (int64_t item = from; item < to; item++) {
    const int64_t start = item % blocks * SB_SCAN_BLOCK, left = scan->i - start;
    const int64_t here = item / blocks * scan->n * scan->i + start;
    const R *x = (const R *)scan->x + here;
    R *out = (R *)scan->out + here;
    if (scan->i == 1) N(sb_scan_row)(kind, x, out, scan->n);
    else N(sb_scan_columns)(kind, x, out, scan->n, scan->i, left < SB_SCAN_BLOCK ? (int)left : SB_SCAN_BLOCK);
  }
}

static void N(sb_scan_items)(const sb_scan *scan, int64_t from, int64_t to) {
  switch (scan->kind) {
    case SB_RUNNING_SUM: N(sb_scan_some)(SB_RUNNING_SUM, scan, from, to); break;
    case SB_RUNNING_PRODUCT: N(sb_scan_some)(SB_RUNNING_PRODUCT, scan, from, to); break;
    case SB_RUNNING_LOG: N(sb_scan_some)(SB_RUNNING_LOG, scan, from, to);
  }
}
