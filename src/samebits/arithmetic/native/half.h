/* float16 and bfloat16 as bits: to float exactly, from float to the nearest, ties to even. */
#ifndef SAMEBITS_ARITHMETIC_HALF_H
#define SAMEBITS_ARITHMETIC_HALF_H

#include "base.h"

static inline float sb_from_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static inline uint32_t sb_to_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline float sb_from_bf16(uint16_t h) { return sb_from_bits((uint32_t)h << 16); }

/* NaN becomes 0x7fc0, as in c10/util/BFloat16.h (round_to_nearest_even). */
static inline uint16_t sb_to_bf16(float x) {
  const uint32_t bits = sb_to_bits(x);
  return (uint16_t)(x != x ? 0x7fc0u : (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/* Numbers below 2**-14 are made of whole multiples of 2**-24: a subtraction normalizes them. */
static inline float sb_from_f16(uint16_t h) {
  const uint32_t sign = (uint32_t)(h & 0x8000u) << 16, rest = (uint32_t)(h & 0x7fffu) << 13;
  const uint32_t exponent = rest & 0x0f800000u;
  const float tiny = sb_from_bits(rest + 0x38800000u) - 0x1p-14f;
  const uint32_t large = rest + (exponent == 0x0f800000u ? 0x70000000u : 0x38000000u);
  return sb_from_bits((exponent == 0 ? sb_to_bits(tiny) : large) | sign);
}

static inline uint16_t sb_to_f16(float x) {
  const uint32_t bits = sb_to_bits(x), sign = (bits >> 16) & 0x8000u, rest = bits & 0x7fffffffu;
  if (rest > 0x7f800000u) return (uint16_t)(sign | 0x7e00u);
  if (rest >= 0x47800000u) return (uint16_t)(sign | 0x7c00u);
  if (rest < 0x38800000u) { /* an addition to 2**-1 rounds to multiples of 2**-24 */
    const float moved = sb_from_bits(rest) + 0.5f;
    return (uint16_t)(sign | (sb_to_bits(moved) - 0x3f000000u));
  }
  const uint32_t odd = (rest >> 13) & 1u;
  return (uint16_t)(sign | ((rest + 0xc8000fffu + odd) >> 13));
}

#endif
