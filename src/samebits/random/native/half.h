/* float16 and bfloat16 in integers, rounded to nearest even, as torch rounds. */
#ifndef SAMEBITS_HALF_H
#define SAMEBITS_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t sb_pattern(float x) {
  uint32_t u;
  memcpy(&u, &x, 4);
  return u;
}

static inline float sb_float(uint32_t u) {
  float x;
  memcpy(&x, &u, 4);
  return x;
}

static inline uint16_t sb_to_bfloat(float x) {
  const uint32_t u = sb_pattern(x);
  const uint32_t rounded = (u + 0x7FFF + (u >> 16 & 1)) >> 16;
  return (uint16_t)((u & 0x7FFFFFFF) > 0x7F800000 ? 0x7FC0 : rounded);
}

static inline float sb_of_bfloat(uint16_t h) { return sb_float((uint32_t)h << 16); }

static inline uint16_t sb_to_half(float x) {
  const uint32_t u = sb_pattern(x), sign = u >> 16 & 0x8000, magnitude = u & 0x7FFFFFFF;
  /* normal: the exponent's bias changes by 112; rounding may carry into it, up to infinity */
  const uint32_t normal = (magnitude - 0x38000000 + 0xFFF + (magnitude >> 13 & 1)) >> 13;
  /* below 2**-14: adding 0.5 leaves the subnormal's bits at the end, rounded by the addition */
  const uint32_t small = sb_pattern(sb_float(magnitude) + 0.5f) - 0x3F000000;
  uint32_t h = magnitude < 0x38800000 ? small : normal;
  h = magnitude >= 0x477FF000 ? 0x7C00 : h;
  h = magnitude > 0x7F800000 ? 0x7E00 : h;
  return (uint16_t)(sign | h);
}

static inline float sb_of_half(uint16_t h) {
  const uint32_t sign = (uint32_t)(h & 0x8000) << 16, magnitude = (uint32_t)(h & 0x7FFF) << 13;
  const uint32_t special = magnitude >= 0x0F800000 ? 0x70000000u : 0;
  /* the exponent's bias by a product, which is exact and makes the subnormals normal */
  const float finite = sb_float(magnitude) * 0x1p112f;
  return sb_float(sign | (special ? special | magnitude | 0x7F800000 : sb_pattern(finite)));
}

#endif
