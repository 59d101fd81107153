/* The larger and the smaller of two numbers, and what is made of them: one rule for NaN and for zeros.

   reference/choices.py is the definition.  An instruction's own rule differs from one set to another. */
#ifndef SAMEBITS_ARITHMETIC_CHOICES_H
#define SAMEBITS_ARITHMETIC_CHOICES_H

#include "wide.h"

/* Equal numbers have equal bits, but for the signs of zeros: of these the larger is +0, the smaller -0. */
#define SB_CHOICES_OF(T, suffix, to_bits, from_bits, fused, floor_of, magnitude, limit)                     \
  SB_INLINE T sb_maximum##suffix(T a, T b) {                                                                \
    const T equal = from_bits(to_bits(a) & to_bits(b)), most = a > b ? a : b;                               \
    return a != a ? a : a == b ? equal : most;                                                              \
  }                                                                                                         \
  SB_INLINE T sb_minimum##suffix(T a, T b) {                                                                \
    const T equal = from_bits(to_bits(a) | to_bits(b)), least = a < b ? a : b;                              \
    return a != a ? a : a == b ? equal : least;                                                             \
  }                                                                                                         \
  SB_INLINE T sb_fmax##suffix(T a, T b) { return b != b ? a : a != a ? b : sb_maximum##suffix(a, b); }      \
  SB_INLINE T sb_fmin##suffix(T a, T b) { return b != b ? a : a != a ? b : sb_minimum##suffix(a, b); }      \
  SB_INLINE T sb_clamp##suffix(T a, T low, T high) {                                                        \
    return sb_minimum##suffix(sb_maximum##suffix(a, low), high);                                            \
  }                                                                                                         \
  /* maximum(a, p), minimum(a, p) of a number p, for loops: a sum with z changes nothing but -0 and NaN. */ \
  SB_INLINE T sb_bounded_below##suffix(T a, T p) {                                                          \
    const T z = (p == (T)0) | (p != p) ? p : -(T)0;                                                         \
    return (a < p ? p : a) + z;                                                                             \
  }                                                                                                         \
  SB_INLINE T sb_bounded_above##suffix(T a, T p) {                                                          \
    const T z = (p == (T)0) | (p != p) ? -p : -(T)0;                                                        \
    return -(z - (a > p ? p : a));                                                                          \
  }                                                                                                         \
  /* Towards 0 by l, +0 within; NaN stays. */                                                               \
  SB_INLINE T sb_softshrink##suffix(T a, T l) {                                                             \
    return a > l ? a - l : a < -l ? a + l : a != a ? a : (T)0;                                              \
  }                                                                                                         \
  SB_INLINE T sb_hardsigmoid##suffix(T a) {                                                                 \
    const T b = a + (T)3, c = b <= (T)0 ? (T)0 : b;                                                         \
    return (c > (T)6 ? (T)6 : c) / (T)6;                                                                    \
  }                                                                                                         \
  /* floor of the exact quotient: its rounding may have reached an integer, which the remainder tells. */ \
  SB_INLINE T sb_div_floor##suffix(T a, T b) {                                                              \
    const T q = a / b, whole = floor_of(q), rest = whole == (T)0 ? a : fused(-whole, b, a);                 \
    const int above = (rest != (T)0) & ((rest < (T)0) != (b < (T)0)) & (whole < limit) & (whole > -limit);  \
    const T value = above ? whole - (T)1 : whole;                                                           \
    return (magnitude(a) == (T)INFINITY) & (b != (T)0) ? (T)NAN : value;                                    \
  }
SB_CHOICES_OF(float, , sb_pattern, sb_float, SB_F, __builtin_floorf, sb_abs, 0x1p24f)
SB_CHOICES_OF(double, _d, sb_to_bits_d, sb_from_bits_d, SB_D, __builtin_floor, sb_abs_d, 0x1p53)

#endif
