/* The larger and the smaller of two numbers, and what is made of them: one rule for NaN and for zeros.

   reference/choices.py is the definition.  An instruction's own rule differs from one set to another. */
#ifndef SAMEBITS_ARITHMETIC_CHOICES_H
#define SAMEBITS_ARITHMETIC_CHOICES_H

#include "wide.h"

/* Equal numbers have equal bits, but for the signs of zeros: of these the larger is +0, the smaller -0. */
#define SB_CHOICES_OF(T, suffix, to_bits, from_bits, remainder_of, floor_of, sign_of)                       \
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
  /* Towards 0 by l, +0 within; NaN stays. */                                                               \
  SB_INLINE T sb_softshrink##suffix(T a, T l) {                                                             \
    return a > l ? a - l : a < -l ? a + l : a != a ? a : (T)0;                                              \
  }                                                                                                         \
  SB_INLINE T sb_hardsigmoid##suffix(T a) {                                                                 \
    const T b = a + (T)3, c = b <= (T)0 ? (T)0 : b;                                                         \
    return (c > (T)6 ? (T)6 : c) / (T)6;                                                                    \
  }                                                                                                         \
  /* floor(a / b) of the exact quotient; the remainder is exact. */                                         \
  SB_INLINE T sb_div_floor##suffix(T a, T b) {                                                              \
    const T rest = remainder_of(a, b), up = (a - rest) / b;                                                 \
    const T q = rest != (T)0 && (b < (T)0) != (rest < (T)0) ? up - (T)1 : up;                               \
    const T whole = floor_of(q), value = q - whole > (T)0.5 ? whole + (T)1 : whole;                         \
    return b == (T)0 ? a / b : q != (T)0 ? value : sign_of((T)0, a / b);                                    \
  }
SB_CHOICES_OF(float, , sb_to_bits, sb_from_bits, __builtin_fmodf, __builtin_floorf, sb_with_sign)
SB_CHOICES_OF(double, _d, sb_to_bits_d, sb_from_bits_d, __builtin_fmod, __builtin_floor, sb_with_sign_d)

#endif
