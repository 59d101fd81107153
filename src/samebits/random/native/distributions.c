/* Distributions whose parameters differ from element to element, and which may need several attempts.

   random/continuous.py and discrete.py are the definition; here is the same,
   operation by operation.  Plain loops over plain memory: the caller has checked
   everything.  To be compiled with -ffp-contract=off.
*/
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#include "exactmath.h"
#include "philox.h"
#include "quantile.h"

#define SB_VISIBLE __attribute__((visibility("default")))
#define SB_ATTEMPTS 256
#define SB_BOOST ((uint64_t)1 << 32)
#define SB_WORKERS 64
#define SB_WORTH 4096 /* elements that are worth a thread */

typedef struct {
  uint64_t high, low;
} sb_words;

static inline sb_words sb_attempt(uint64_t seed, uint64_t n, uint64_t s) {
  uint32_t w[4];
  sb_philox(seed, n, s, w);
  return (sb_words){(uint64_t)w[0] << 32 | w[1], (uint64_t)w[2] << 32 | w[3]};
}

/* in (0, 1), multiples of 2**-53 */
static inline double sb_unit(uint64_t word) { return ((double)(int64_t)(word >> 12) + 0.5) * 0x1p-52; }

/* in (0, 1], down to 2**-106, rounded once */
static inline double sb_fine(sb_words w) {
  return (double)(int64_t)(w.high >> 11) * 0x1p-53 + ((double)(int64_t)(w.low >> 12) + 0.5) * 0x1p-105;
}

/* A distribution's parameters, and what is computed of them once for all elements that share them. */
typedef struct {
  double a, b, x[10];
} sb_setup;

/* gamma: mantissa * exp(exponent) */

typedef struct {
  double mantissa, exponent;
} sb_product;

static void sb_gamma_prepare(double concentration, double *d, double *c) {
  *d = (concentration < 1 ? concentration + 1.0 : concentration) - 1.0 / 3;
  *c = 1.0 / sqrt(9.0 * *d);
}

static sb_product sb_gamma_parts(uint64_t seed, uint64_t n, double concentration, double d, double c) {
  sb_product drawn = {NAN, 0};
  for (int j = 1; j <= SB_ATTEMPTS; j++) {
    const sb_words w = sb_attempt(seed, n, j);
    const double z = sb_normal64(w.high), u = sb_unit(w.low);
    const double t = c * z, base = t + 1.0;
    if (!(base > 0)) continue;
    const double square = z * z;
    if (u < 1.0 - 0.0331 * (square * square) || sb_log(u) < (3.0 * d) * sb_log1p_rest(t)) {
      drawn.mantissa = d * ((base * base) * base);
      break;
    }
  }
  if (concentration < 1) drawn.exponent = sb_log(sb_fine(sb_attempt(seed, n, SB_BOOST))) / concentration;
  return drawn;
}

static void sb_gamma_setup(sb_setup *s) { sb_gamma_prepare(s->a, &s->x[0], &s->x[1]); }

static double sb_gamma_number(uint64_t seed, uint64_t n, const sb_setup *s) {
  const sb_product g = sb_gamma_parts(seed, n, s->a, s->x[0], s->x[1]);
  return s->a < 1 ? g.mantissa * sb_exp(g.exponent) : g.mantissa;
}

static void sb_beta_setup(sb_setup *s) {
  sb_gamma_prepare(s->a, &s->x[0], &s->x[1]);
  sb_gamma_prepare(s->b, &s->x[2], &s->x[3]);
}

static double sb_beta_number(uint64_t seed, uint64_t n, const sb_setup *s) {
  const sb_product x = sb_gamma_parts(seed, n, s->a, s->x[0], s->x[1]);
  const sb_product y = sb_gamma_parts(seed, n + 1, s->b, s->x[2], s->x[3]);
  const double most = x.exponent > y.exponent ? x.exponent : y.exponent;
  const double one = x.mantissa * sb_exp(x.exponent - most), other = y.mantissa * sb_exp(y.exponent - most);
  return one / (one + other);
}

/* counts */

static void sb_poisson_setup(sb_setup *s) {
  const double rate = s->a;
  if (rate < 10) {
    s->x[0] = -sb_expm1(-rate);
    s->x[1] = s->x[0] * 0x1p-60;
    s->x[2] = sb_exp(-rate) * rate;
  } else {
    const double b = 2.53 * sqrt(rate) + 0.931;
    s->x[0] = b;
    s->x[1] = 0.02483 * b - 0.059;
    s->x[2] = 1.1328 / (b - 3.4) + 1.1239;
    s->x[3] = 0.9277 - 3.6224 / (b - 2.0);
  }
}

static double sb_poisson_small(double w, const sb_setup *s) {
  const double all = s->x[0], least = s->x[1];
  double p = s->x[2], k = 1;
  if (!(w < all)) return 0;
  w = all - w;
  while (w > p && p > least) {
    w = w - p;
    k += 1;
    p = (p * s->a) / k;
  }
  return k;
}

static double sb_poisson_number(uint64_t seed, uint64_t n, const sb_setup *s) {
  const double rate = s->a;
  if (rate < 10) return sb_poisson_small(sb_fine(sb_attempt(seed, n, 1)), s);
  const double b = s->x[0], a = s->x[1], scale = s->x[2], quick = s->x[3];
  for (int j = 1; j <= SB_ATTEMPTS; j++) {
    const sb_words w = sb_attempt(seed, n, j);
    const double u = sb_unit(w.high) - 0.5, v = sb_unit(w.low);
    const double us = 0.5 - fabs(u);
    const double k = floor((((2.0 * a) / us + b) * u + rate) + 0.43);
    if (us >= 0.07 && v <= quick) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    const double height = (v * scale) / (a / (us * us) + b);
    if (sb_log(height) <= -(sb_stirling(k) + sb_deviance(k, rate))) return k;
  }
  return NAN;
}

static double sb_binomial_log(double k, double trials, double mean, double rest) {
  return -((sb_stirling(k) + sb_stirling(trials - k)) + (sb_deviance(k, mean) + sb_deviance(trials - k, rest)));
}

/* p above 1/2 counts the failures */
static void sb_binomial_setup(sb_setup *s) {
  const double trials = s->a, p = s->b > 0.5 ? 1.0 - s->b : s->b;
  const double mean = trials * p, q = 1.0 - p, rest = trials * q;
  s->x[0] = p;
  if (mean < 10) {
    const double none = trials * sb_log1p(-p);
    s->x[1] = -sb_expm1(none);
    s->x[2] = s->x[1] * 0x1p-60;
    s->x[3] = p / q;
    s->x[4] = (sb_exp(none) * trials) * s->x[3];
  } else {
    const double deviation = sqrt(mean * q);
    const double b = 2.53 * deviation + 1.15;
    s->x[1] = mean;
    s->x[2] = rest;
    s->x[3] = b;
    s->x[4] = (0.0248 * b - 0.0873) + 0.01 * p;
    s->x[5] = (5.1 / b + 2.83) * deviation;
    s->x[6] = 0.92 - 4.2 / b;
    s->x[7] = sb_binomial_log(floor((trials + 1.0) * p), trials, mean, rest);
  }
}

static double sb_binomial_small(double w, const sb_setup *s) {
  const double trials = s->a, all = s->x[1], least = s->x[2], odds = s->x[3];
  double at = s->x[4], k = 1;
  if (!(w < all)) return 0;
  w = all - w;
  while (w > at && at > least) {
    w = w - at;
    at = ((at * (trials - k)) / (k + 1.0)) * odds;
    k += 1;
  }
  return k < trials ? k : trials;
}

static double sb_binomial_large(uint64_t seed, uint64_t n, const sb_setup *s) {
  const double trials = s->a, mean = s->x[1], rest = s->x[2], b = s->x[3], a = s->x[4], scale = s->x[5];
  for (int j = 1; j <= SB_ATTEMPTS; j++) {
    const sb_words w = sb_attempt(seed, n, j);
    const double u = sb_unit(w.high) - 0.5, v = sb_unit(w.low);
    const double us = 0.5 - fabs(u);
    const double k = floor((((2.0 * a) / us + b) * u + mean) + 0.5);
    if (us >= 0.07 && v <= s->x[6]) return k;
    if (k < 0 || k > trials) continue;
    const double height = (v * scale) / (a / (us * us) + b);
    if (sb_log(height) <= sb_binomial_log(k, trials, mean, rest) - s->x[7]) return k;
  }
  return NAN;
}

static double sb_binomial_number(uint64_t seed, uint64_t n, const sb_setup *s) {
  const double k = s->a * s->x[0] < 10 ? sb_binomial_small(sb_fine(sb_attempt(seed, n, 1)), s)
                                       : sb_binomial_large(seed, n, s);
  return s->b > 0.5 ? s->a - k : k;
}

static void sb_geometric_setup(sb_setup *s) { s->x[0] = sb_log1p(-s->a); }

static double sb_geometric_number(uint64_t seed, uint64_t n, const sb_setup *s) {
  return floor(sb_log(sb_fine(sb_attempt(seed, n, 1))) / s->x[0]) + 1.0;
}

/* skewed and heavy */

static void sb_no_setup(sb_setup *s) { (void)s; }

static double sb_cauchy_number(uint64_t seed, uint64_t n, const sb_setup *s) {
  const sb_words w = sb_attempt(seed, n, 1);
  const double x = sb_cotpi(0.5 * sb_fine(w));
  return s->b * (w.high & 1 ? -x : x) + s->a;
}

static double sb_log_normal_number(uint64_t seed, uint64_t n, const sb_setup *s) {
  return sb_exp(s->b * sb_normal64(sb_attempt(seed, n, 1).high) + s->a);
}

/* random/parametric.py has the same order */
static const struct {
  void (*setup)(sb_setup *);
  double (*number)(uint64_t, uint64_t, const sb_setup *);
} sb_numbers[] = {
    {sb_gamma_setup, sb_gamma_number},         {sb_beta_setup, sb_beta_number},
    {sb_poisson_setup, sb_poisson_number},     {sb_binomial_setup, sb_binomial_number},
    {sb_geometric_setup, sb_geometric_number}, {sb_no_setup, sb_cauchy_number},
    {sb_no_setup, sb_log_normal_number}};
enum { SB_BETA = 1, SB_DIRICHLET = 7 };

typedef struct {
  double *out;
  int distribution;
  uint64_t seed, offset;
  const int64_t *numbers; /* null: consecutive ones from `first` on */
  int64_t first;
  const double *a, *b;
  int64_t step_a, step_b; /* of their elements: 0 where there is one for all */
  int64_t width;          /* dirichlet: classes of a row, which is an element */
  int64_t from, to;
} sb_range;

/* Sums of halves: the one order that every tier can follow. */
static double sb_halves(double *x, int64_t n) {
  while (n > 1) {
    const int64_t half = (n + 1) / 2;
    for (int64_t i = 0; i < n - half; i++) x[i] = x[i] + x[half + i];
    n = half;
  }
  return x[0];
}

static int sb_dirichlet_rows(const sb_range *r) {
  const int64_t width = r->width;
  double *sums = malloc(2 * sizeof(double) * (size_t)width), *exponents = sums + width;
  if (sums == NULL) return 1;
  for (int64_t i = r->from; i < r->to; i++) {
    const int64_t number = r->numbers ? r->numbers[i] : r->first + i;
    double *row = r->out + i * width, most = -INFINITY;
    for (int64_t k = 0; k < width; k++) {
      const uint64_t n = r->offset + (uint64_t)number * (uint64_t)width + (uint64_t)k;
      const double concentration = r->a[i * r->step_a * width + k];
      double d, c;
      sb_gamma_prepare(concentration, &d, &c);
      const sb_product g = sb_gamma_parts(r->seed, n, concentration, d, c);
      row[k] = g.mantissa;
      exponents[k] = g.exponent;
      most = g.exponent > most ? g.exponent : most;
    }
    for (int64_t k = 0; k < width; k++) {
      row[k] = row[k] * sb_exp(exponents[k] - most);
      sums[k] = row[k];
    }
    const double total = sb_halves(sums, width);
    for (int64_t k = 0; k < width; k++) row[k] = row[k] / total;
  }
  free(sums);
  return 0;
}

static void *sb_over(void *range) {
  const sb_range *r = range;
  if (r->distribution == SB_DIRICHLET) return sb_dirichlet_rows(r) ? range : NULL;
  const uint64_t each = r->distribution == SB_BETA ? 2 : 1;
  sb_setup setup = {.a = NAN, .b = NAN};
  for (int64_t i = r->from; i < r->to; i++) {
    const int64_t number = r->numbers ? r->numbers[i] : r->first + i;
    const double a = r->a[i * r->step_a], b = r->b ? r->b[i * r->step_b] : 0;
    if (a != setup.a || b != setup.b) {
      setup.a = a;
      setup.b = b;
      sb_numbers[r->distribution].setup(&setup);
    }
    r->out[i] = sb_numbers[r->distribution].number(r->seed, r->offset + each * (uint64_t)number, &setup);
  }
  return NULL;
}

/* `count` elements of one key; returns 0, or 1 where there is no memory. */
SB_VISIBLE int sb_parametric(double *out, int distribution, uint64_t seed, uint64_t offset, const int64_t *numbers,
                             int64_t first, int64_t count, const double *a, int64_t step_a, const double *b,
                             int64_t step_b, int64_t width, int threads) {
  sb_range ranges[SB_WORKERS];
  pthread_t started[SB_WORKERS];
  const int64_t worth = count * width / SB_WORTH;
  int64_t shares = worth < threads ? worth : threads;
  shares = shares < 1 ? 1 : shares > SB_WORKERS ? SB_WORKERS : shares;
  const int64_t share = (count + shares - 1) / shares;
  int running = 0, failed = 0;
  for (int64_t s = shares - 1; s >= 0; s--) {
    const int64_t from = s * share < count ? s * share : count;
    const int64_t to = from + share < count ? from + share : count;
    ranges[s] = (sb_range){out, distribution, seed, offset, numbers, first, a, b, step_a, step_b, width, from, to};
    if (s == 0 || pthread_create(&started[running], NULL, sb_over, &ranges[s]) != 0)
      failed |= sb_over(&ranges[s]) != NULL; /* also where no thread can be had */
    else
      running++;
  }
  while (running > 0) {
    void *lacks = NULL;
    pthread_join(started[--running], &lacks);
    failed |= lacks != NULL;
  }
  return failed;
}
