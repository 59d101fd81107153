/* Products of blocks, for one type of number: included once for float and once for double.

   Defined before: SB_T (the type), SB_V (its vector), SB_L (numbers in a vector), SB_OF (a name with the type's
   ending), SB_FMA, SB_LOAD, SB_STORE, SB_ALL, SB_INT (an integer of the type's width).

   Two operands are packed in panels: of A, SB_ROWS rows beside each other, k after k; of B, SB_COLUMNS columns.
   A tile is the product of a panel of A with one of B, and lies in memory row after row, SB_COLUMNS numbers each.
   The order of k in a chain is that of docs/reference/portable.md, whichever block is done when, and by whom. */

#define SB_COLUMNS (SB_PANEL * SB_L)
#define SB_TILE (SB_ROWS * SB_COLUMNS)

/* A tile of `rows` rows and a chunk of `depth` k: stored, or added to what is there. */
static inline __attribute__((always_inline)) void SB_OF(sb_tile)(const int rows, int64_t depth, const SB_T *a,
                                                                 const SB_T *b, SB_T *tile, int add) {
  SB_V sum[SB_ROWS][SB_PANEL];
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (int v = 0; v < SB_PANEL; v++) sum[r][v] = (SB_V){0};
  for (int64_t k = 0; k < depth; k++, a += SB_ROWS, b += SB_COLUMNS) {
    SB_V right[SB_PANEL];
#pragma GCC unroll 4
    for (int v = 0; v < SB_PANEL; v++) right[v] = SB_LOAD(b + v * SB_L);
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++) {
      const SB_V left = SB_ALL(a[r]);
#pragma GCC unroll 4
      for (int v = 0; v < SB_PANEL; v++) sum[r][v] = SB_FMA(left, right[v], sum[r][v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (int v = 0; v < SB_PANEL; v++) {
      SB_T *at = tile + r * SB_COLUMNS + v * SB_L;
      if (add) sum[r][v] = SB_LOAD(at) + sum[r][v];
      SB_STORE(at, sum[r][v]);
    }
}

#define SB_CASE(n) \
  case n: SB_OF(sb_tile)(n, depth, a, b, tile, add); break;

static void SB_OF(sb_any_tile)(int rows, int64_t depth, const SB_T *a, const SB_T *b, SB_T *tile, int add) {
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

/* Exchange row and column of SB_L vectors of SB_L numbers: one bit of both numbers after the other. */
static inline __attribute__((always_inline)) void SB_OF(sb_transpose)(SB_V x[SB_L]) {
#pragma GCC unroll 4
  for (int bit = 1; bit < SB_L; bit *= 2) {
    typedef SB_INT places __attribute__((vector_size(SB_BYTES)));
    places low, high;
#pragma GCC unroll 16
    for (int l = 0; l < SB_L; l++) {
      low[l] = l & bit ? SB_L + (l & ~bit) : l;
      high[l] = l & bit ? SB_L + l : l | bit;
    }
#pragma GCC unroll 16
    for (int i = 0; i < SB_L; i++)
      if (!(i & bit)) {
        const SB_V one = x[i], other = x[i | bit];
        x[i] = __builtin_shuffle(one, other, low);
        x[i | bit] = __builtin_shuffle(one, other, high);
      }
  }
}

/* A panel of `lines` lines (rows of A, columns of B), `wide` of them if there were no end; line l has its number of k
   at from[l][at + k].  Absent lines are zeros.  Room for SB_L numbers after the panel is needed. */
static void SB_OF(sb_pack_lines)(const SB_T *const *from, int64_t at, int lines, int wide, int64_t depth, SB_T *panel) {
  for (int64_t k = 0; k < depth; k += SB_L) {
    const int some = depth - k < SB_L ? (int)(depth - k) : SB_L;
    for (int first = 0; first < wide; first += SB_L) {
      SB_V x[SB_L];
      if (some == SB_L)
#pragma GCC unroll 16
        for (int l = 0; l < SB_L; l++) x[l] = first + l < lines ? SB_LOAD(from[first + l] + at + k) : (SB_V){0};
      else
        for (int l = 0; l < SB_L; l++) {
          x[l] = (SB_V){0};
          if (first + l < lines) memcpy(&x[l], from[first + l] + at + k, some * sizeof(SB_T));
        }
      SB_OF(sb_transpose)(x);
      SB_T *to = panel + k * wide + first;
      const int whole = first == 0 || first + SB_L <= wide; /* what is too much is overwritten by the next k */
      if (some == SB_L && whole)
#pragma GCC unroll 16
        for (int l = 0; l < SB_L; l++) SB_STORE(to + l * wide, x[l]);
      else
        for (int l = 0; l < some; l++) memcpy(to + l * wide, &x[l], (whole ? SB_L : wide - first) * sizeof(SB_T));
    }
  }
}

/* The same where lines lie equally far apart. */
static void SB_OF(sb_pack_along)(const SB_T *from, int64_t apart, int lines, int wide, int64_t depth, SB_T *panel) {
  const SB_T *line[SB_COLUMNS];
  for (int l = 0; l < lines; l++) line[l] = from + l * apart;
  SB_OF(sb_pack_lines)(line, 0, lines, wide, depth, panel);
}

/* The same where neighbouring lines are neighbours in memory: line l has its number of k at from[k * apart + l]. */
static void SB_OF(sb_pack_across)(const SB_T *from, int64_t apart, int lines, int wide, int64_t depth, SB_T *panel) {
  if (lines == wide)
    for (int64_t k = 0; k < depth; k++) memcpy(panel + k * wide, from + k * apart, wide * sizeof(SB_T));
  else
    for (int64_t k = 0; k < depth; k++) {
      memcpy(panel + k * wide, from + k * apart, lines * sizeof(SB_T));
      memset(panel + k * wide + lines, 0, (wide - lines) * sizeof(SB_T));
    }
}

/* Turn `lines` lines of `count` numbers: number c of line l goes to to[c * far + l]. */
static inline __attribute__((always_inline)) void SB_OF(sb_turn)(const SB_T *from, int64_t apart, int64_t lines,
                                                                 int64_t count, SB_T *to, int64_t far) {
  for (int64_t l = 0; l < lines; l += SB_L) {
    const int height = lines - l < SB_L ? (int)(lines - l) : SB_L;
    for (int64_t c = 0; c < count; c += SB_L) {
      const int width = count - c < SB_L ? (int)(count - c) : SB_L;
      SB_V x[SB_L];
      if (height == SB_L && width == SB_L)
#pragma GCC unroll 16
        for (int i = 0; i < SB_L; i++) x[i] = SB_LOAD(from + (l + i) * apart + c);
      else
        for (int i = 0; i < SB_L; i++) {
          x[i] = (SB_V){0};
          if (i < height) memcpy(&x[i], from + (l + i) * apart + c, width * sizeof(SB_T));
        }
      SB_OF(sb_transpose)(x);
      if (height == SB_L)
        for (int i = 0; i < width; i++) SB_STORE(to + (c + i) * far + l, x[i]);
      else
        for (int i = 0; i < width; i++) memcpy(to + (c + i) * far + l, &x[i], height * sizeof(SB_T));
    }
  }
}

/* The same for at most SB_L lines, SB_L of them where those that are absent are zeros: to[c * SB_L + l]. */
static void SB_OF(sb_turn_padded)(const SB_T *from, int64_t apart, int lines, int64_t count, SB_T *to) {
  const SB_T *line[SB_L];
  for (int l = 0; l < lines; l++) line[l] = from + l * apart;
  SB_OF(sb_pack_lines)(line, 0, lines, SB_L, count, to);
}

/* A panel of a plain operand. */
static void SB_OF(sb_pack_matrix)(const sb_operand *o, int64_t line, int lines, int wide, int64_t k, int64_t depth,
                                  void *panel) {
  const int64_t at = line * o->line + k * o->along;
  const int same = sizeof(SB_T) == 8 ? o->dtype == SB_F64 : o->dtype == SB_F32;
  if (same && o->along == 1) {
    SB_OF(sb_pack_along)((const SB_T *)o->data + at, o->line, lines, wide, depth, panel);
    return;
  }
  if (same && o->line == 1) {
    SB_OF(sb_pack_across)((const SB_T *)o->data + at, o->along, lines, wide, depth, panel);
    return;
  }
  SB_T gathered[SB_COLUMNS * SB_CHUNK]; /* wide <= SB_COLUMNS */
  for (int l = 0; l < lines; l++)
    for (int64_t n = 0; n < depth; n++)
      gathered[l * SB_CHUNK + n] = (SB_T)sb_get(o->data, o->dtype, at + l * o->line + n * o->along);
  SB_OF(sb_pack_along)(gathered, SB_CHUNK, lines, wide, depth, panel);
}

/* What is added to a tile's row: beta * bias, SB_COLUMNS numbers. */
static void SB_OF(sb_add_bias)(const sb_product *p, int64_t i, int64_t j, int columns, SB_T *line) {
  const int64_t at = i * p->bias_row + j * p->bias_column;
  const int same = sizeof(SB_T) == 8 ? p->bias_dtype == SB_F64 : p->bias_dtype == SB_F32;
  if (p->bias_column == 0) {
    SB_T bias = (SB_T)sb_get(p->bias, p->bias_dtype, at);
    bias = p->beta == 1 ? bias : (SB_T)p->beta * bias;
    for (int v = 0; v < SB_PANEL; v++) SB_STORE(line + v * SB_L, SB_ALL(bias) + SB_LOAD(line + v * SB_L));
  } else if (same && p->bias_column == 1 && p->beta == 1 && columns == SB_COLUMNS)
    for (int v = 0; v < SB_PANEL; v++)
      SB_STORE(line + v * SB_L, SB_LOAD((const SB_T *)p->bias + at + v * SB_L) + SB_LOAD(line + v * SB_L));
  else
    for (int c = 0; c < columns; c++) {
      const SB_T bias = (SB_T)sb_get(p->bias, p->bias_dtype, at + c * p->bias_column);
      line[c] = (p->beta == 1 ? bias : (SB_T)p->beta * bias) + line[c];
    }
}

/* Write a tile to where it belongs: out = beta * bias + alpha * tile.  The tile is changed. */
static void SB_OF(sb_finish)(const sb_product *p, int64_t i, int rows, int64_t j, int columns, const int64_t *places,
                             SB_T *tile) {
  const int same = sizeof(SB_T) == 8 ? p->out.dtype == SB_F64 : p->out.dtype == SB_F32;
  if (p->alpha != 1)
    for (int n = 0; n < rows * SB_COLUMNS; n++) tile[n] = (SB_T)p->alpha * tile[n];
  if (p->bias)
    for (int r = 0; r < rows; r++) SB_OF(sb_add_bias)(p, i + r, j, columns, tile + r * SB_COLUMNS);
  const int64_t row = i * p->out.row;
  if (same && p->out.row == 1 && p->out.column != 1) { /* rows are neighbours, as with channels last */
    for (int c = 0; c < columns; c += SB_L) {
      SB_V x[SB_L];
      for (int r = 0; r < SB_L; r++) x[r] = r < rows ? SB_LOAD(tile + r * SB_COLUMNS + c) : (SB_V){0};
      SB_OF(sb_transpose)(x);
      for (int n = 0; n < SB_L && c + n < columns; n++) {
        SB_T *to = (SB_T *)p->out.data + row + places[c + n];
        if (rows >= SB_L)
          SB_STORE(to, x[n]);
        else if (rows == SB_ROWS)
          memcpy(to, &x[n], (SB_ROWS < SB_L ? SB_ROWS : SB_L) * sizeof(SB_T));
        else
          memcpy(to, &x[n], rows * sizeof(SB_T));
        for (int r = SB_L; r < rows; r++) to[r] = tile[r * SB_COLUMNS + c + n];
      }
    }
    return;
  }
  const int run = columns == SB_COLUMNS && places[columns - 1] - places[0] == columns - 1 && p->out.is_run;
  for (int r = 0; r < rows; r++) {
    const SB_T *line = tile + r * SB_COLUMNS;
    if (same && run)
      memcpy((SB_T *)p->out.data + row + r * p->out.row + places[0], line, SB_COLUMNS * sizeof(SB_T));
    else if (same)
      for (int c = 0; c < columns; c++) ((SB_T *)p->out.data)[row + r * p->out.row + places[c]] = line[c];
    else
      for (int c = 0; c < columns; c++) sb_put(p->out.data, p->out.dtype, row + r * p->out.row + places[c], line[c]);
  }
}

/* Pack the panels of one side for a chunk. */
static int SB_OF(sb_pack)(const sb_operand *o, int64_t first, int64_t count, int width, int64_t k, int64_t depth,
                          SB_T *panel) {
  if (o->prepare && o->prepare(o, first, count, k, depth)) return 1;
  for (int64_t l = 0; l < count; l += width, panel += width * depth)
    o->pack(o, first + l, (int)(count - l < width ? count - l : width), width, k, depth, panel);
  return 0;
}

/* The rows [i, i_end) and columns [j, j_end) of a product, by this thread.  Returns 0, or 1 without memory. */
static int SB_OF(sb_block)(const sb_product *p, int64_t i, int64_t i_end, int64_t j, int64_t j_end) {
  const int64_t high = i_end - i < SB_HIGH ? i_end - i : SB_HIGH, wide = j_end - j < p->wide ? j_end - j : p->wide;
  const int64_t tiles_down = (high + SB_ROWS - 1) / SB_ROWS, tiles_across = (wide + SB_COLUMNS - 1) / SB_COLUMNS;
  const int64_t slack = SB_COLUMNS + SB_L;
  const int grouped = p->k > SB_CHUNK * SB_GROUP, at_once = p->k <= SB_CHUNK;
  const int64_t block = at_once ? SB_TILE : tiles_down * tiles_across * SB_TILE;
  SB_T *left = sb_scratch(SB_SLOT_A, (tiles_down * SB_ROWS * SB_CHUNK + slack) * sizeof(SB_T));
  SB_T *right = sb_scratch(SB_SLOT_B, (tiles_across * SB_COLUMNS * SB_CHUNK + slack) * sizeof(SB_T));
  SB_T *made = sb_scratch(SB_SLOT_C, block * (1 + grouped) * sizeof(SB_T));
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
        if (p->k && !(at_once && j0 > j) && SB_OF(sb_pack)(&p->a, i0, rows, SB_ROWS, k, depth, left)) return 1;
        if (p->k && SB_OF(sb_pack)(&p->b, j0, columns, SB_COLUMNS, k, depth, right)) return 1;
        for (int64_t c = 0; c < across; c++) {
          int64_t places[SB_COLUMNS];
          const int64_t rest = columns - c * SB_COLUMNS;
          const int many = (int)(rest < SB_COLUMNS ? rest : SB_COLUMNS);
          if (last) p->out.places(&p->out, j0 + c * SB_COLUMNS, many, places);
          for (int64_t r = 0; r < down; r++) {
            const int some = (int)(rows - r * SB_ROWS < SB_ROWS ? rows - r * SB_ROWS : SB_ROWS);
            SB_T *tile = made + (at_once ? 0 : (c * down + r) * SB_TILE);
            SB_T *to = tile + (chunk >= SB_GROUP ? block : 0);
            SB_OF(sb_any_tile)(some, depth, left + r * SB_ROWS * depth, right + c * SB_COLUMNS * depth, to, in_group > 0);
            if (to != tile && (in_group == SB_GROUP - 1 || last))
              for (int n = 0; n < some * SB_COLUMNS; n += SB_L)
                SB_STORE(tile + n, SB_LOAD(tile + n) + SB_LOAD(to + n));
            if (last) SB_OF(sb_finish)(p, i0 + r * SB_ROWS, some, j0 + c * SB_COLUMNS, many, places, tile);
          }
        }
      }
    }
  return 0;
}
