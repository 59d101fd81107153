/* Normalizations, for float or double. */

SB_INLINE R N(sb_rstd)(R var, double eps) { return 1 / ROOT(var + (R)eps); }

/* Mean, and 1 / sqrt(var + eps), of a run of memory. */
SB_INLINE R N(sb_standard)(const R *x, int64_t n, double eps, R *mean) {
  *mean = N(sb_run_sum)(x, x, 0, n) / (R)n;
  return N(sb_rstd)(N(sb_run_deviations)(x, x, *mean, n) / (R)n, eps);
}

static void N(sb_layer)(const sb_norm *norm, int64_t from, int64_t to) {
  const int64_t n = norm->l;
  const R *weight = norm->weight, *bias = norm->bias;
  for (int64_t row = from; row < to; row++) {
    const R *x = (const R *)norm->x + row * n;
    R *out = (R *)norm->out + row * n, m;
    const R r = N(sb_standard)(x, n, norm->eps, &m);
    ((R *)norm->mean)[row] = m;
    ((R *)norm->rstd)[row] = r;
    const V mean = ALL(m), rstd = ALL(r);
    for (int64_t at = 0; at < n; at += W) {
      const int64_t left = n - at;
      const V w = weight != NULL ? N(sb_get)(weight + at, left) : ALL(1);
      const V b = bias != NULL ? N(sb_get)(bias + at, left) : ALL(-(R)0);
      N(sb_put)(out + at, FMA((N(sb_get)(x + at, left) - mean) * rstd, w, b), left);
    }
  }
}

/* With v = grad * weight and h = (x - m) * rstd: rstd * fma(-h, D(v, h) / n, v - S(v) / n). */
static void N(sb_layer_backward)(const sb_norm *norm, int64_t from, int64_t to) {
  const int64_t n = norm->l, apart = (n + 15) / 16 * 16;
  const R *weight = norm->weight;
  R *h = sb_scratch(SB_SLOT_D, 2 * apart * sizeof(R)), *v = h + apart;
  for (int64_t row = from; row < to; row++) {
    const R *x = (const R *)norm->x + row * n, *grad = (const R *)norm->grad + row * n;
    R *out = (R *)norm->out + row * n;
    const V mean = ALL(((const R *)norm->mean)[row]), rstd = ALL(((const R *)norm->rstd)[row]);
    for (int64_t at = 0; at < n; at += W) {
      const int64_t left = n - at;
      V g = N(sb_get)(grad + at, left);
      if (weight != NULL) g *= N(sb_get)(weight + at, left);
      STORE(h + at, (N(sb_get)(x + at, left) - mean) * rstd);
      STORE(v + at, g);
    }
    const V shift = ALL(N(sb_run_sum)(v, v, 0, n) / (R)n), slope = ALL(N(sb_run_products)(v, h, 0, n) / (R)n);
    for (int64_t at = 0; at < n; at += W)
      N(sb_put)(out + at, rstd * FMA(-LOAD(h + at), slope, LOAD(v + at) - shift), n - at);
  }
}

/* out = fma((x - m) * r, w, b) */
SB_INLINE void N(sb_affine)(const R *x, R m, R r, R w, R b, int64_t n, R *out) {
  const V mean = ALL(m), rstd = ALL(r), weight = ALL(w), bias = ALL(b);
  for (int64_t at = 0; at < n; at += W)
    N(sb_put)(out + at, FMA((N(sb_get)(x + at, n - at) - mean) * rstd, weight, bias), n - at);
}

/* out = g * factor */
SB_INLINE void N(sb_scale)(const R *grad, R factor, int64_t n, R *out) {
  const V factors = ALL(factor);
  for (int64_t at = 0; at < n; at += W) N(sb_put)(out + at, N(sb_get)(grad + at, n - at) * factors, n - at);
}

/* out = fma(-(x - m), slope, g * w - shift) * factor */
SB_INLINE void N(sb_affine_backward)(const R *x, const R *grad, R m, R slope, R w, R shift, R factor,
                                     int64_t n, R *out) {
  const V mean = ALL(m), slopes = ALL(slope), weight = ALL(w), shifts = ALL(shift), factors = ALL(factor);
  for (int64_t at = 0; at < n; at += W) {
    const V g = N(sb_get)(grad + at, n - at) * weight - shifts;
    N(sb_put)(out + at, FMA(-(N(sb_get)(x + at, n - at) - mean), slopes, g) * factors, n - at);
  }
}

SB_INLINE R N(sb_or)(const void *array, int64_t n, R otherwise) {
  return array != NULL ? ((const R *)array)[n] : otherwise;
}

static void N(sb_group)(const sb_norm *norm, int64_t from, int64_t to) {
  const int64_t channels = norm->c / norm->groups, l = norm->l;
  for (int64_t item = from; item < to; item++) {
    const int64_t first = item % norm->groups * channels, here = item * channels * l;
    const R *x = (const R *)norm->x + here;
    R m;
    const R r = N(sb_standard)(x, channels * l, norm->eps, &m);
    ((R *)norm->mean)[item] = m;
    ((R *)norm->rstd)[item] = r;
    for (int64_t c = 0; c < channels; c++)
      N(sb_affine)(x + c * l, m, r, N(sb_or)(norm->weight, first + c, 1),
                   N(sb_or)(norm->bias, first + c, -(R)0), l, (R *)norm->out + here + c * l);
  }
}

/* With the channels' S(grad) and D(grad, x - m), a and b their sums weighted by D, and n numbers in a group:
   fma(-(x - m), ((b * rstd) * rstd) / n, grad * weight - a / n) * rstd. */
static void N(sb_group_backward)(const sb_norm *norm, int64_t from, int64_t to) {
  const int64_t channels = norm->c / norm->groups, l = norm->l;
  for (int64_t item = from; item < to; item++) {
    const int64_t first = item % norm->groups * channels, here = item * channels * l;
    const R *x = (const R *)norm->x + here, *grad = (const R *)norm->grad + here;
    const R m = ((const R *)norm->mean)[item], r = ((const R *)norm->rstd)[item], n = (R)(channels * l);
    R *sums = (R *)norm->sums + item * channels, *products = (R *)norm->products + item * channels;
    for (int64_t c = 0; c < channels; c++) {
      sums[c] = N(sb_run_sum)(grad + c * l, grad + c * l, 0, l);
      products[c] = N(sb_run_covariance)(x + c * l, grad + c * l, m, l);
    }
    if (norm->out == NULL) continue;
    const R *weight = norm->weight;
    const R a = weight != NULL ? N(sb_run_products)(sums, weight + first, 0, channels)
                               : N(sb_run_sum)(sums, sums, 0, channels);
    const R b = weight != NULL ? N(sb_run_products)(products, weight + first, 0, channels)
                               : N(sb_run_sum)(products, products, 0, channels);
    for (int64_t c = 0; c < channels; c++)
      N(sb_affine_backward)(x + c * l, grad + c * l, m, ((b * r) * r) / n, N(sb_or)(weight, first + c, 1),
                            a / n, r, l, (R *)norm->out + here + c * l);
  }
}

static void N(sb_batch)(const sb_norm *norm, int64_t from, int64_t to) {
  const R *mean = norm->mean, *rstd = norm->rstd, *weight = norm->weight, *bias = norm->bias;
  const int64_t channels = norm->c, l = norm->l;
  if (l > 1) {
    for (int64_t run = from; run < to; run++) {
      const int64_t c = run % channels;
      N(sb_affine)((const R *)norm->x + run * l, mean[c], rstd[c], N(sb_or)(weight, c, 1),
                   N(sb_or)(bias, c, -(R)0), l, (R *)norm->out + run * l);
    }
    return;
  }
  for (int64_t row = from; row < to; row++) {
    const R *x = (const R *)norm->x + row * channels;
    R *out = (R *)norm->out + row * channels;
    for (int64_t c = 0; c < channels; c += W) {
      const int64_t left = channels - c;
      const V h = (N(sb_get)(x + c, left) - N(sb_get)(mean + c, left)) * N(sb_get)(rstd + c, left);
      N(sb_put)(out + c,
                FMA(h, weight != NULL ? N(sb_get)(weight + c, left) : ALL(1),
                    bias != NULL ? N(sb_get)(bias + c, left) : ALL(-(R)0)),
                left);
    }
  }
}

static void N(sb_batch_backward)(const sb_norm *norm, int64_t from, int64_t to) {
  const R *mean = norm->mean, *slope = norm->slope, *shift = norm->shift, *factor = norm->factor;
  const int64_t channels = norm->c, l = norm->l;
  for (int64_t item = from; item < to; item++) {
    const int64_t length = l > 1 ? l : channels;
    const R *x = (const R *)norm->x + item * length, *grad = (const R *)norm->grad + item * length;
    R *out = (R *)norm->out + item * length;
    if (l > 1) {
      const int64_t c = item % channels;
      if (norm->training) N(sb_affine_backward)(x, grad, mean[c], slope[c], 1, shift[c], factor[c], l, out);
      else N(sb_scale)(grad, factor[c], l, out);
      continue;
    }
    for (int64_t c = 0; c < channels; c += W) {
      const int64_t left = channels - c;
      V g = N(sb_get)(grad + c, left);
      if (norm->training) {
        const V d = N(sb_get)(x + c, left) - N(sb_get)(mean + c, left);
        g = FMA(-d, N(sb_get)(slope + c, left), g - N(sb_get)(shift + c, left));
      }
      N(sb_put)(out + c, g * N(sb_get)(factor + c, left), left);
    }
  }
}

static void N(sb_statistics)(const sb_norm *norm) {
  R *mean = norm->mean, *rstd = norm->rstd, *running_mean = norm->running_mean,
    *running_var = norm->running_var;
  const int64_t n = norm->o * norm->l;
  const R momentum = (R)norm->momentum, rest = (R)(1 - norm->momentum);
  for (int64_t c = 0; c < norm->c; c++) {
    if (!norm->training) {
      mean[c] = running_mean[c];
      rstd[c] = N(sb_rstd)(running_var[c], norm->eps);
      continue;
    }
    const R squares = rstd[c];
    rstd[c] = N(sb_rstd)(squares / (R)n, norm->eps);
    if (running_mean != NULL) running_mean[c] = N(sb_fma_of)(momentum, mean[c], rest * running_mean[c]);
    if (running_var != NULL)
      running_var[c] = N(sb_fma_of)(momentum, squares / (R)(n - 1), rest * running_var[c]);
  }
}

static void N(sb_constants)(const sb_norm *norm) {
  const R *rstd = norm->rstd, *sums = norm->sums;
  R *products = norm->products;
  const R n = (R)(norm->o * norm->l);
  for (int64_t c = 0; c < norm->c; c++) {
    const R scaled = products[c] * rstd[c];
    ((R *)norm->slope)[c] = (scaled * rstd[c]) / n;
    ((R *)norm->shift)[c] = sums[c] / n;
    ((R *)norm->factor)[c] = rstd[c] * N(sb_or)(norm->weight, c, 1);
    products[c] = scaled;
  }
}
