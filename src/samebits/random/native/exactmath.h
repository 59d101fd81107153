/* Logarithms, exponentials and their like in double, the same bits everywhere.

   random/exactmath.py is the definition and says why; here is the same, operation by
   operation.  To be compiled with -ffp-contract=off and without -ffast-math. */
#ifndef SAMEBITS_EXACTMATH_H
#define SAMEBITS_EXACTMATH_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#if FLT_EVAL_METHOD != 0
#error "double must be computed in double: build with -msse2 -mfpmath=sse"
#endif

#define SB_LN2_HIGH 0x1.62e42p-1
#define SB_LN2_LOW 0x1.fdf473de6af28p-22
#define SB_LOG2_E 0x1.71547652b82fep+0
#define SB_HALF_LOG_2PI 0x1.d67f1c864beb5p-1
#define SB_PI 0x1.921fb54442d18p+1
#define SB_PI_LOW 0x1.1a62633145c07p-53
#define SB_WHOLE 0x1.8p+52
#define SB_WHOLE_BITS 0x4338000000000000
#define SB_HALF_ROOT 0x3FE6A09E667F3BCD

static inline int64_t sb_bits(double x) {
  int64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline double sb_double(int64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

#define SB_POLYNOMIAL(x, c) sb_polynomial(x, c, (int)(sizeof(c) / sizeof(c[0])))

static inline double sb_polynomial(double x, const double *c, int terms) {
  double value = c[terms - 1];
  for (int i = terms - 2; i >= 0; i--) value = value * x + c[i];
  return value;
}

static const double SB_LOG[] = {
    0x1.5555555555558p-1, 0x1.99999999952d7p-2, 0x1.2492492df281ap-2, 0x1.c71c62e3f11e6p-3,
    0x1.7462b51cb66b1p-3, 0x1.39fe51a7c18f9p-3, 0x1.2b5900de53b32p-3};
static const double SB_EXP[] = {
    0x1.0p-1,               0x1.5555555555557p-3,  0x1.5555555555556p-5,  0x1.11111111100bep-7,
    0x1.6c16c16c162c3p-10,  0x1.a01a01abf85abp-13, 0x1.a01a01a6e1e2ap-16, 0x1.71de01fdbf9cap-19,
    0x1.27e4db46cddd1p-22,  0x1.af4e554377204p-26, 0x1.1f7340dbc337ep-29};
static const double SB_SIN[] = {
    -0x1.4abbce625be53p+2, 0x1.466bc6775aae1p+1,  -0x1.32d2cce62b872p-1, 0x1.50783486facaap-4,
    -0x1.e3074d2614b2dp-8, 0x1.e8f036bcd3237p-12, -0x1.6cc577dadd922p-16};
static const double SB_COS[] = {
    -0x1.3bd3cc9be45dep+2, 0x1.03c1f081b5ac0p+2,  -0x1.55d3c7e3cb241p+0, 0x1.e1f5068688d5bp-3,
    -0x1.a6d1eef479be1p-6, 0x1.f9ce245cada0bp-10, -0x1.b2f3eb054afcdp-14};
static const double SB_STIRLING[] = {1. / 12, -1. / 360, 1. / 1260, -1. / 1680, 1. / 1188};
static const double SB_SMALL[16] = {
    0x0.0p+0,              0x1.0000000000000p+0, 0x1.4e8de8082e308p+0, 0x1.7ef4c8a2316e2p+0,
    0x1.a2042fd3b7235p+0,  0x1.bd847196e2524p+0, 0x1.d42550e3f471ap+0, 0x1.e75ecd60de91bp+0,
    0x1.f8150242b012fp+0,  0x1.036e6368ac3dep+1, 0x1.0a0e4ed3fe17cp+1, 0x1.100f1175d0b5ep+1,
    0x1.158bfdcbc9c40p+1,  0x1.1a99eb055764fp+1, 0x1.1f491b8e50eebp+1, 0x1.23a67d6776062p+1};
static const double SB_ATANH[] = {1. / 3,  1. / 5,  1. / 7,  1. / 9, 1. / 11,
                                  1. / 13, 1. / 15, 1. / 17, 1. / 19};
static const double SB_LOG_REST[] = {-1. / 4,  1. / 5,  -1. / 6,  1. / 7,  -1. / 8,  1. / 9, -1. / 10,
                                     1. / 11, -1. / 12, 1. / 13, -1. / 14, 1. / 15, -1. / 16};

static inline double sb_log(double x) {
  if (x < 0 || x != x) return NAN;
  if (x == 0) return -INFINITY;
  if (x == INFINITY) return x;
  const int tiny = x < 0x1p-1022;
  const int64_t bits = sb_bits(tiny ? x * 0x1p54 : x);
  const int64_t exponent = (bits - SB_HALF_ROOT) >> 52;
  const double f = sb_double(bits - exponent * ((int64_t)1 << 52)) - 1.0;
  const double k = (double)(exponent - 54 * tiny);
  const double square = 0.5 * f * f;
  const double s = f / (f + 2.0);
  const double z = s * s;
  const double rest = z * SB_POLYNOMIAL(z, SB_LOG);
  const double low = s * (square + rest) + k * SB_LN2_LOW;
  return k * SB_LN2_HIGH - ((square - low) - f);
}

static inline double sb_log1p(double x) {
  const double u = x + 1.0;
  if (u < 0 || x != x) return NAN;
  if (x == 0) return x;
  if (u == 0) return -INFINITY;
  if (u == INFINITY) return u;
  const double lost = x < 1.0 ? x - (u - 1.0) : 1.0 - (u - x);
  return sb_log(u) + lost / u;
}

/* exp(x) = (1 + the value) * 2**k */
static inline double sb_reduced(double x, int64_t *k) {
  if (x != x) x = 0;
  if (x < -746.0) x = -746.0;
  if (x > 710.0) x = 710.0;
  const double whole = x * SB_LOG2_E + SB_WHOLE;
  const double n = whole - SB_WHOLE;
  const double r = (x - n * SB_LN2_HIGH) - n * SB_LN2_LOW;
  *k = sb_bits(whole) - SB_WHOLE_BITS;
  return r + (r * r) * SB_POLYNOMIAL(r, SB_EXP);
}

static inline double sb_power(int64_t k) { return sb_double((k + 1023) * ((int64_t)1 << 52)); }

static inline double sb_exp(double x) {
  int64_t k;
  const double value = sb_reduced(x, &k);
  const int64_t half = k >> 1;
  if (x != x) return x;
  return ((value + 1.0) * sb_power(half)) * sb_power(k - half);
}

static inline double sb_expm1(double x) {
  int64_t k;
  const double value = sb_reduced(x, &k);
  if (x == 0 || x != x) return x;
  if (k > 1000) return sb_exp(x);
  const double power = sb_power(k < -1000 ? -1000 : k);
  return value * power + (power - 1.0);
}

static inline double sb_cotpi(double x) {
  const int far = x > 0.25;
  const double y = far ? 0.5 - x : x;
  const double z = y * y;
  const double sine = y * (z * SB_POLYNOMIAL(z, SB_SIN) + SB_PI_LOW + SB_PI);
  const double cosine = z * SB_POLYNOMIAL(z, SB_COS) + 1.0;
  return far ? sine / cosine : cosine / sine;
}

static inline double sb_stirling(double k) {
  if (k < 16) return SB_SMALL[(int)k];
  const double r = 1.0 / k;
  const double series = r * SB_POLYNOMIAL(r * r, SB_STIRLING);
  return (0.5 * sb_log(k) + SB_HALF_LOG_2PI) + series;
}

static inline double sb_deviance(double x, double mean) {
  const double difference = x - mean;
  const double total = x + mean;
  const double v = difference / total;
  const double square = v * v;
  if (fabs(v) < 0.1)
    return difference * v + ((2.0 * x) * v) * (square * SB_POLYNOMIAL(square, SB_ATANH));
  return (x * sb_log((x == 0 ? mean : x) / mean) + mean) - x;
}

static inline double sb_log1p_rest(double t) {
  const double square = t * t;
  if (fabs(t) < 0.0625) return (square * square) * SB_POLYNOMIAL(t, SB_LOG_REST);
  return ((sb_log(t + 1.0) - t) + 0.5 * square) - (square * t) / 3.0;
}

#endif
