/* Attention of many heads, from the products and the softmax of the tier in use. */
#include "attention.h"
#include "products.h"
#include "softmax.h"

enum {
  SB_QUERIES = 84,      /* queries of a block forward: whole panels of every tier */
  SB_SLOPES = SB_CHUNK, /* backward: one chunk of the sums over queries */
  SB_ATTENTION_WIDE = 512
};

static void sb_numbered(const sb_result *o, int64_t column, int columns, int64_t *places) {
  for (int c = 0; c < columns; c++) places[c] = column + c;
}

typedef struct {
  const char *data;
  int64_t line, along;
} sb_side;

/* out[m][n], rows `row` apart, = bias + P of the lines of a and b, of k numbers each. */
static int sb_multiply(const sb_attention *t, int64_t m, int64_t n, int64_t k, sb_side a, sb_side b, char *out,
                       int64_t row, const char *bias, int64_t bias_row, int64_t bias_column) {
  const sb_products *tier = sb_products_now();
  const int dtype = t->wide ? SB_F64 : SB_F32;
  const sb_product p = {
      .m = m, .n = n, .k = k, .wide = SB_ATTENTION_WIDE,
      .a = {.pack = tier->pack_matrix[t->wide], .data = a.data, .dtype = dtype, .line = a.line, .along = a.along},
      .b = {.pack = tier->pack_matrix[t->wide], .data = b.data, .dtype = dtype, .line = b.line, .along = b.along},
      .out = {.data = out, .dtype = dtype, .row = row, .column = 1, .is_run = 1, .places = sb_numbered},
      .bias = bias, .bias_dtype = dtype, .bias_row = bias_row, .bias_column = bias_column, .alpha = 1, .beta = 1,
  };
  return tier->block[t->wide](&p, 0, m, 0, n);
}

static char *sb_head(const sb_attention *t, const sb_heads *of, int64_t item) {
  return of->data + (item / t->heads * of->batch + item % t->heads * of->head) * (t->wide ? 8 : 4);
}

/* How many keys the queries up to `end` see. */
static int64_t sb_seen(const sb_attention *t, int64_t end) { return t->causal && end < t->keys ? end : t->keys; }

static int sb_all_masked(const sb_attention *t, const char *row, int64_t n) {
  for (int64_t c = 0; c < n; c++)
    if ((t->wide ? ((const double *)row)[c] : ((const float *)row)[c]) != -INFINITY) return 0;
  return 1;
}

/* Softmax of the scores of the queries from .. from + rows - 1, with `keys` of them, in the same place; or its
   derivative, of `made`, in the place of the gradients. */
static void sb_softened(const sb_attention *t, int64_t from, int64_t rows, int64_t keys, char *scores,
                        const char *made) {
  const int64_t size = t->wide ? 8 : 4;
  for (int64_t r = 0; r < rows; r++) {
    char *row = scores + r * keys * size;
    const int64_t n = sb_seen(t, from + r + 1) < keys ? sb_seen(t, from + r + 1) : keys;
    if (t->mask != NULL && made == NULL && sb_all_masked(t, row, n)) {
      memset(row, 0, keys * size);
      continue;
    }
    const sb_softmax s = {made == NULL ? SB_SOFTMAX : SB_SOFTMAX_BACKWARD, made == NULL ? row : made + r * keys * size,
                          row, row, 1, n, 1};
    sb_softmaxes_now()->rows[t->wide](&s, 0, 1);
    memset(row + n * size, 0, (keys - n) * size);
  }
}

/* The weights of the queries from .. from + rows - 1: softmax of mask + P(q, k). */
static int sb_weights(const sb_attention *t, int64_t item, int64_t from, int64_t rows, int64_t keys, char *weights) {
  const int64_t size = t->wide ? 8 : 4;
  const char *mask = t->mask;
  if (mask != NULL)
    mask += (item / t->heads * t->mask_at[0] + item % t->heads * t->mask_at[1] + from * t->mask_at[2]) * size;
  const sb_side q = {sb_head(t, &t->q, item) + from * t->q.row * size, t->q.row, 1};
  const sb_side k = {sb_head(t, &t->k, item), t->k.row, 1};
  if (sb_multiply(t, rows, keys, t->depth, q, k, weights, keys, mask, t->mask_at[2], t->mask_at[3])) return 1;
  sb_softened(t, from, rows, keys, weights, NULL);
  return 0;
}

static void sb_attend(void *what, int64_t first, int64_t last) {
  sb_attention *t = what;
  const int64_t size = t->wide ? 8 : 4, blocks = (t->queries + SB_QUERIES - 1) / SB_QUERIES;
  char *weights = sb_scratch(SB_SLOT_D, SB_QUERIES * t->keys * size);
  int failed = weights == NULL;
  for (int64_t n = first; n < last && !failed; n++) {
    const int64_t item = n / blocks, from = n % blocks * SB_QUERIES, left = t->queries - from;
    const int64_t rows = left < SB_QUERIES ? left : SB_QUERIES, keys = sb_seen(t, from + rows);
    failed = sb_weights(t, item, from, rows, keys, weights) ||
             sb_multiply(t, rows, t->values, keys, (sb_side){weights, keys, 1},
                         (sb_side){sb_head(t, &t->v, item), 1, t->v.row},
                         sb_head(t, &t->out, item) + from * t->out.row * size, t->out.row, NULL, 0, 0);
  }
  if (failed) __atomic_store_n(&t->failed, 1, __ATOMIC_RELAXED);
}

/* to[keys][n] = P over the queries of w[rows][keys] and x, added to what the queries before have given. */
static int sb_gather(const sb_attention *t, int64_t item, const sb_heads *to, int64_t n, int64_t rows, int64_t keys,
                     const char *w, const sb_heads *x, int64_t from) {
  char *out = sb_head(t, to, item);
  const sb_side right = {sb_head(t, x, item) + from * x->row * (t->wide ? 8 : 4), 1, x->row};
  return sb_multiply(t, keys, n, rows, (sb_side){w, 1, keys}, right, out, to->row, from > 0 ? out : NULL, to->row, 1);
}

static int sb_slope_of(const sb_attention *t, int64_t item, int64_t from, char *weights, char *slopes) {
  const int64_t size = t->wide ? 8 : 4, left = t->queries - from;
  const int64_t rows = left < SB_SLOPES ? left : SB_SLOPES;
  const int64_t keys = from == 0 ? t->keys : sb_seen(t, from + rows); /* the first makes all of to_k and to_v */
  if (sb_weights(t, item, from, rows, keys, weights)) return 1;
  const sb_side grad = {sb_head(t, &t->out, item) + from * t->out.row * size, t->out.row, 1};
  const sb_side v = {sb_head(t, &t->v, item), t->v.row, 1}, k = {sb_head(t, &t->k, item), 1, t->k.row};
  if (sb_multiply(t, rows, keys, t->values, grad, v, slopes, keys, NULL, 0, 0)) return 1;
  sb_softened(t, from, rows, keys, slopes, weights);
  char *to_q = sb_head(t, &t->to_q, item) + from * t->to_q.row * size;
  return sb_multiply(t, rows, t->depth, keys, (sb_side){slopes, keys, 1}, k, to_q, t->to_q.row, NULL, 0, 0) ||
         sb_gather(t, item, &t->to_k, t->depth, rows, keys, slopes, &t->q, from) ||
         sb_gather(t, item, &t->to_v, t->values, rows, keys, weights, &t->out, from);
}

static void sb_slope(void *what, int64_t first, int64_t last) {
  sb_attention *t = what;
  const int64_t size = t->wide ? 8 : 4, most = t->queries < SB_SLOPES ? t->queries : SB_SLOPES;
  char *weights = sb_scratch(SB_SLOT_D, most * t->keys * size), *slopes = sb_scratch(SB_SLOT_E, most * t->keys * size);
  int failed = weights == NULL || slopes == NULL;
  for (int64_t item = first; item < last && !failed; item++)
    for (int64_t from = 0; from < t->queries && !failed; from += SB_SLOPES)
      failed = sb_slope_of(t, item, from, weights, slopes);
  if (failed) __atomic_store_n(&t->failed, 1, __ATOMIC_RELAXED);
}

static sb_heads sb_heads_of(const void *data, const int64_t *at) {
  return (sb_heads){(char *)data, at[0], at[1], at[2]};
}

/* `what`: batches, heads, queries, keys, depth, values, wide, causal; the mask's strides; batch, head and row of q,
   k, v, out and, backward, of the gradients of q, k, v.  Backward there are at most SB_CHUNK * SB_GROUP queries.
   The functions return 0, or 1 where there is no memory. */
static sb_attention sb_read(const void *q, const void *k, const void *v, const void *mask, void *out,
                            const int64_t *what) {
  sb_attention t = {.batches = what[0], .heads = what[1], .queries = what[2], .keys = what[3], .depth = what[4],
                    .values = what[5], .wide = (int)what[6], .causal = (int)what[7], .mask = mask};
  memcpy(t.mask_at, what + 8, sizeof t.mask_at);
  t.q = sb_heads_of(q, what + 12), t.k = sb_heads_of(k, what + 15), t.v = sb_heads_of(v, what + 18);
  t.out = sb_heads_of(out, what + 21);
  return t;
}

int sb_attention_forward(const void *q, const void *k, const void *v, const void *mask, void *out, const int64_t *what,
                         int threads) {
  sb_attention t = sb_read(q, k, v, mask, out, what);
  sb_parallel(t.batches * t.heads * ((t.queries + SB_QUERIES - 1) / SB_QUERIES), 1, threads, sb_attend, &t);
  return t.failed;
}

int sb_attention_backward(const void *q, const void *k, const void *v, const void *mask, void *grad, void *to_q,
                          void *to_k, void *to_v, const int64_t *what, int threads) {
  sb_attention t = sb_read(q, k, v, mask, grad, what);
  t.to_q = sb_heads_of(to_q, what + 24), t.to_k = sb_heads_of(to_k, what + 27), t.to_v = sb_heads_of(to_v, what + 30);
  sb_parallel(t.batches * t.heads, 1, threads, sb_slope, &t);
  return t.failed;
}
