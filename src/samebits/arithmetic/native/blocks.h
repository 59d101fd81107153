/* Products of blocks, for one type of number: included once for float and once for double.

   Its names are those of real32.h and real64.h.

   Two operands are packed in panels: of A, SB_ROWS rows beside each other, k after k; of B, SB_COLUMNS columns.
   A tile is the product of a panel of A with one of B, and lies in memory row after row, SB_COLUMNS numbers each.
   The order of k in a chain is that of docs/reference/portable.md, whichever block is done when, and by whom. */

#define SB_COLUMNS (SB_PANEL * W)
#define SB_TILE (SB_ROWS * SB_COLUMNS)

/* A tile of `rows` rows and a chunk of `depth` k: stored, or added to what is there. */
static inline __attribute__((always_inline)) void N(sb_tile)(const int rows, int64_t depth, const R *a,
                                                                 const R *b, R *tile, int add) {
  V sum[SB_ROWS][SB_PANEL];
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (int v = 0; v < SB_PANEL; v++) sum[r][v] = (V){0};
  for (int64_t k = 0; k < depth; k++, a += SB_ROWS, b += SB_COLUMNS) {
    V right[SB_PANEL];
#pragma GCC unroll 4
    for (int v = 0; v < SB_PANEL; v++) right[v] = LOAD(b + v * W);
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++) {
      const V left = ALL(a[r]);
#pragma GCC unroll 4
      for (int v = 0; v < SB_PANEL; v++) sum[r][v] = FMA(left, right[v], sum[r][v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (int v = 0; v < SB_PANEL; v++) {
      R *at = tile + r * SB_COLUMNS + v * W;
      if (add) sum[r][v] = LOAD(at) + sum[r][v];
      STORE(at, sum[r][v]);
    }
}

#define SB_CASE(n) \
  case n: N(sb_tile)(n, depth, a, b, tile, add); break;

static void N(sb_any_tile)(int rows, int64_t depth, const R *a, const R *b, R *tile, int add) {
  switch (rows) {
    SB_CASE(1) SB_CASE(2) SB_CASE(3) SB_CASE(4)
#if SB_ROWS > 4
    SB_CASE(5) SB_CASE(6)
#endif
#if SB_ROWS > 6
    SB_CASE(7) SB_CASE(8) SB_CASE(9) SB_CASE(10) SB_CASE(11) SB_CASE(12) SB_CASE(13) SB_CASE(14)
#endif
  }
}
#undef SB_CASE

/* Exchange row and column of W vectors of W numbers: one bit of both numbers after the other. */
static inline __attribute__((always_inline)) void N(sb_transpose)(V x[W]) {
#pragma GCC unroll 4
  for (int bit = 1; bit < W; bit *= 2) {
    VI low, high;
#pragma GCC unroll 16
    for (int l = 0; l < W; l++) {
      low[l] = l & bit ? W + (l & ~bit) : l;
      high[l] = l & bit ? W + l : l | bit;
    }
#pragma GCC unroll 16
    for (int i = 0; i < W; i++)
      if (!(i & bit)) {
        const V one = x[i], other = x[i | bit];
        x[i] = __builtin_shuffle(one, other, low);
        x[i | bit] = __builtin_shuffle(one, other, high);
      }
  }
}

/* A panel of `lines` lines (rows of A, columns of B), `wide` of them if there were no end; line l has its number of k
   at from[l][at + k].  Absent lines are zeros.  Room for W numbers after the panel is needed. */
static void N(sb_pack_lines)(const R *const *from, int64_t at, int lines, int wide, int64_t depth, R *panel) {
  for (int64_t k = 0; k < depth; k += W) {
    const int some = depth - k < W ? (int)(depth - k) : W;
    for (int first = 0; first < wide; first += W) {
      V x[W];
      if (some == W)
#pragma GCC unroll 16
        for (int l = 0; l < W; l++) x[l] = first + l < lines ? LOAD(from[first + l] + at + k) : (V){0};
      else
        for (int l = 0; l < W; l++) {
          x[l] = (V){0};
          if (first + l < lines) memcpy(&x[l], from[first + l] + at + k, some * sizeof(R));
        }
      N(sb_transpose)(x);
      R *to = panel + k * wide + first;
      const int whole = first == 0 || first + W <= wide; /* what is too much is overwritten by the next k */
      if (some == W && whole)
#pragma GCC unroll 16
        for (int l = 0; l < W; l++) STORE(to + l * wide, x[l]);
      else
        for (int l = 0; l < some; l++) memcpy(to + l * wide, &x[l], (whole ? W : wide - first) * sizeof(R));
    }
  }
}

/* The same where lines lie equally far apart. */
static void N(sb_pack_along)(const R *from, int64_t apart, int lines, int wide, int64_t depth, R *panel) {
  const R *line[SB_COLUMNS];
  for (int l = 0; l < lines; l++) line[l] = from + l * apart;
  N(sb_pack_lines)(line, 0, lines, wide, depth, panel);
}

/* The same where neighbouring lines are neighbours in memory: line l has its number of k at from[k * apart + l]. */
static void N(sb_pack_across)(const R *from, int64_t apart, int lines, int wide, int64_t depth, R *panel) {
  if (lines == wide)
    for (int64_t k = 0; k < depth; k++) memcpy(panel + k * wide, from + k * apart, wide * sizeof(R));
  else
    for (int64_t k = 0; k < depth; k++) {
      memcpy(panel + k * wide, from + k * apart, lines * sizeof(R));
      memset(panel + k * wide + lines, 0, (wide - lines) * sizeof(R));
    }
}

/* Turn `lines` lines of `count` numbers: number c of line l goes to to[c * far + l]. */
static inline __attribute__((always_inline)) void N(sb_transpose_lines)(const R *from, int64_t apart, int64_t lines,
                                                                 int64_t count, R *to, int64_t far) {
  for (int64_t l = 0; l < lines; l += W) {
    const int height = lines - l < W ? (int)(lines - l) : W;
    for (int64_t c = 0; c < count; c += W) {
      const int width = count - c < W ? (int)(count - c) : W;
      V x[W];
      if (height == W && width == W)
#pragma GCC unroll 16
        for (int i = 0; i < W; i++) x[i] = LOAD(from + (l + i) * apart + c);
      else
        for (int i = 0; i < W; i++) {
          x[i] = (V){0};
          if (i < height) memcpy(&x[i], from + (l + i) * apart + c, width * sizeof(R));
        }
      N(sb_transpose)(x);
      if (height == W)
        for (int i = 0; i < width; i++) STORE(to + (c + i) * far + l, x[i]);
      else
        for (int i = 0; i < width; i++) memcpy(to + (c + i) * far + l, &x[i], height * sizeof(R));
    }
  }
}

/* The same for at most W lines, W of them where those that are absent are zeros: to[c * W + l]. */
static void N(sb_transpose_padded)(const R *from, int64_t apart, int lines, int64_t count, R *to) {
  const R *line[W];
  for (int l = 0; l < lines; l++) line[l] = from + l * apart;
  N(sb_pack_lines)(line, 0, lines, W, count, to);
}

/* A panel of a plain operand. */
static void N(sb_pack_matrix)(const sb_operand *o, int64_t line, int lines, int wide, int64_t k, int64_t depth,
                                  void *panel) {
  const int64_t at = line * o->line + k * o->along;
  const int same = sizeof(R) == 8 ? o->dtype == SB_F64 : o->dtype == SB_F32;
  if (same && o->along == 1) {
    N(sb_pack_along)((const R *)o->data + at, o->line, lines, wide, depth, panel);
    return;
  }
  if (same && o->line == 1) {
    N(sb_pack_across)((const R *)o->data + at, o->along, lines, wide, depth, panel);
    return;
  }
  R gathered[SB_COLUMNS * SB_CHUNK]; /* wide <= SB_COLUMNS */
  for (int l = 0; l < lines; l++)
    for (int64_t n = 0; n < depth; n++)
      gathered[l * SB_CHUNK + n] = (R)sb_get(o->data, o->dtype, at + l * o->line + n * o->along);
  N(sb_pack_along)(gathered, SB_CHUNK, lines, wide, depth, panel);
}

/* What is added to a tile's row: beta * bias, SB_COLUMNS numbers. */
static void N(sb_add_bias)(const sb_product *p, int64_t i, int64_t j, int columns, R *line) {
  const int64_t at = i * p->bias_row + j * p->bias_column;
  const int same = sizeof(R) == 8 ? p->bias_dtype == SB_F64 : p->bias_dtype == SB_F32;
  if (p->bias_column == 0) {
    R bias = (R)sb_get(p->bias, p->bias_dtype, at);
    bias = p->beta == 1 ? bias : (R)p->beta * bias;
    for (int v = 0; v < SB_PANEL; v++) STORE(line + v * W, ALL(bias) + LOAD(line + v * W));
  } else if (same && p->bias_column == 1 && p->beta == 1 && columns == SB_COLUMNS)
    for (int v = 0; v < SB_PANEL; v++)
      STORE(line + v * W, LOAD((const R *)p->bias + at + v * W) + LOAD(line + v * W));
  else
    for (int c = 0; c < columns; c++) {
      const R bias = (R)sb_get(p->bias, p->bias_dtype, at + c * p->bias_column);
      line[c] = (p->beta == 1 ? bias : (R)p->beta * bias) + line[c];
    }
}

/* Write a tile to where it belongs: out = beta * bias + alpha * tile.  The tile is changed. */
static void N(sb_finish)(const sb_product *p, int64_t i, int rows, int64_t j, int columns, const int64_t *places,
                             R *tile) {
  const int same = sizeof(R) == 8 ? p->out.dtype == SB_F64 : p->out.dtype == SB_F32;
  if (p->alpha != 1)
    for (int n = 0; n < rows * SB_COLUMNS; n++) tile[n] = (R)p->alpha * tile[n];
  if (p->bias)
    for (int r = 0; r < rows; r++) N(sb_add_bias)(p, i + r, j, columns, tile + r * SB_COLUMNS);
  const int64_t row = i * p->out.row;
  if (same && p->out.row == 1 && p->out.column != 1) { /* rows are neighbours, as with channels last */
    for (int c = 0; c < columns; c += W) {
      V x[W];
      for (int r = 0; r < W; r++) x[r] = r < rows ? LOAD(tile + r * SB_COLUMNS + c) : (V){0};
      N(sb_transpose)(x);
      for (int n = 0; n < W && c + n < columns; n++) {
        R *to = (R *)p->out.data + row + places[c + n];
        if (rows >= W)
          STORE(to, x[n]);
        else if (rows == SB_ROWS)
          memcpy(to, &x[n], (SB_ROWS < W ? SB_ROWS : W) * sizeof(R));
        else
          memcpy(to, &x[n], rows * sizeof(R));
        for (int r = W; r < rows; r++) to[r] = tile[r * SB_COLUMNS + c + n];
      }
    }
    return;
  }
  const int run = columns == SB_COLUMNS && places[columns - 1] - places[0] == columns - 1 && p->out.is_run;
  for (int r = 0; r < rows; r++) {
    const R *line = tile + r * SB_COLUMNS;
    if (same && run)
      memcpy((R *)p->out.data + row + r * p->out.row + places[0], line, SB_COLUMNS * sizeof(R));
    else if (same)
      for (int c = 0; c < columns; c++) ((R *)p->out.data)[row + r * p->out.row + places[c]] = line[c];
    else
      for (int c = 0; c < columns; c++) sb_put(p->out.data, p->out.dtype, row + r * p->out.row + places[c], line[c]);
  }
}

/* Pack the panels of one side for a chunk. */
static int N(sb_pack)(const sb_operand *o, int64_t first, int64_t count, int width, int64_t k, int64_t depth,
                          R *panel) {
  if (o->prepare && o->prepare(o, first, count, k, depth)) return 1;
  for (int64_t l = 0; l < count; l += width, panel += width * depth)
    o->pack(o, first + l, (int)(count - l < width ? count - l : width), width, k, depth, panel);
  return 0;
}

/* The rows [i, i_end) and columns [j, j_end) of a product, by this thread.  Returns 0, or 1 without memory. */
static int N(sb_product_block)(const sb_product *p, int64_t i, int64_t i_end, int64_t j, int64_t j_end) {
  const int64_t high = i_end - i < SB_HIGH ? i_end - i : SB_HIGH, wide = j_end - j < p->wide ? j_end - j : p->wide;
  const int64_t tiles_down = (high + SB_ROWS - 1) / SB_ROWS, tiles_across = (wide + SB_COLUMNS - 1) / SB_COLUMNS;
  const int64_t slack = SB_COLUMNS + W;
  const int grouped = p->k > SB_CHUNK * SB_GROUP, at_once = p->k <= SB_CHUNK;
  const int64_t block = at_once ? SB_TILE : tiles_down * tiles_across * SB_TILE;
  R *left = sb_scratch(SB_SLOT_A, (tiles_down * SB_ROWS * SB_CHUNK + slack) * sizeof(R));
  R *right = sb_scratch(SB_SLOT_B, (tiles_across * SB_COLUMNS * SB_CHUNK + slack) * sizeof(R));
  R *made = sb_scratch(SB_SLOT_C, block * (1 + grouped) * sizeof(R));
  if (!left || !right || !made) return 1;
  sb_copied.of = NULL; /* what an earlier product has left */
  for (int64_t i0 = i; i0 < i_end; i0 += high)
    for (int64_t j0 = j; j0 < j_end; j0 += wide) {
      const int64_t rows = i_end - i0 < high ? i_end - i0 : high, columns = j_end - j0 < wide ? j_end - j0 : wide;
      const int64_t down = (rows + SB_ROWS - 1) / SB_ROWS, across = (columns + SB_COLUMNS - 1) / SB_COLUMNS;
      const int64_t chunks = (p->k + SB_CHUNK - 1) / SB_CHUNK;
      for (int64_t chunk = 0; chunk < (chunks ? chunks : 1); chunk++) {
        const int64_t k = chunk * SB_CHUNK, depth = p->k - k < SB_CHUNK ? p->k - k : SB_CHUNK;
        const int in_group = (int)(chunk % SB_GROUP), last = chunk + 1 >= chunks;
        /* with one block of columns the left side of a single chunk stays packed */
        if (p->k && !(at_once && j0 > j) && N(sb_pack)(&p->a, i0, rows, SB_ROWS, k, depth, left)) return 1;
        if (p->k && N(sb_pack)(&p->b, j0, columns, SB_COLUMNS, k, depth, right)) return 1;
        for (int64_t c = 0; c < across; c++) {
          int64_t places[SB_COLUMNS];
          const int64_t rest = columns - c * SB_COLUMNS;
          const int many = (int)(rest < SB_COLUMNS ? rest : SB_COLUMNS);
          if (last) p->out.places(&p->out, j0 + c * SB_COLUMNS, many, places);
          for (int64_t r = 0; r < down; r++) {
            const int some = (int)(rows - r * SB_ROWS < SB_ROWS ? rows - r * SB_ROWS : SB_ROWS);
            R *tile = made + (at_once ? 0 : (c * down + r) * SB_TILE);
            R *to = tile + (chunk >= SB_GROUP ? block : 0);
            N(sb_any_tile)(some, depth, left + r * SB_ROWS * depth, right + c * SB_COLUMNS * depth, to, in_group > 0);
            if (to != tile && (in_group == SB_GROUP - 1 || last))
              for (int n = 0; n < some * SB_COLUMNS; n += W)
                STORE(tile + n, LOAD(tile + n) + LOAD(to + n));
            if (last) N(sb_finish)(p, i0 + r * SB_ROWS, some, j0 + c * SB_COLUMNS, many, places, tile);
          }
        }
      }
    }
  return 0;
}
