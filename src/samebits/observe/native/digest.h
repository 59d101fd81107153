// The digest of a tensor on CPU: 64 bits over dtype, shape, every byte and every position.
//
// Definition (the same in digest.py, which is the reference, and in observer.cpp for other devices):
// the bytes are little-endian 64-bit words x[0..n), the last zero-padded, in rows of ROW words.
//   NH lane   a_t(r) = sum_j (lo(x) + lo(K[j+t]) mod 2^32) * (hi(x) + hi(K[j+t]) mod 2^32)  mod 2^64,  t = 0, 1
//   row       h(r)   = fmix(a_0(r) ^ fmix(a_1(r) + (r + 1) * GOLDEN))
//   bytes     H      = sum_r h(r) mod 2^64            (commutes: any order, any number of threads)
//   tensor    fold H with the byte count, the dtype and each extent
// NH is Black et al., "UMAC: Fast and Secure Message Authentication", CRYPTO 1999: two different rows
// agree in one lane with probability at most 2^-32, in both Toeplitz-shifted lanes with at most 2^-64.
// K comes from splitmix64, seed 0.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#define SAMEBITS_X86 1
#endif

namespace samebits {

constexpr size_t ROW = 2048;  // words: 16 KiB, so that keys and data of a row stay in the first-level cache
constexpr uint64_t GOLDEN = 0x9E3779B97F4A7C15ull;

inline uint64_t fmix(uint64_t h) {
  h ^= h >> 33;
  h *= 0xFF51AFD7ED558CCDull;
  h ^= h >> 33;
  h *= 0xC4CEB9FE1A85EC53ull;
  return h ^ (h >> 33);
}

struct Keys {
  alignas(64) uint64_t k[ROW + 8];
  Keys() {
    uint64_t s = 0;
    for (auto& v : k) {
      uint64_t z = (s += GOLDEN);
      z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
      z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
      v = z ^ (z >> 31);
    }
  }
};
inline const Keys& keys() {
  static const Keys table;
  return table;
}

struct Lanes {
  uint64_t a0 = 0, a1 = 0;
};

inline uint64_t nh(uint64_t x, uint64_t k) {
  uint32_t lo = uint32_t(x) + uint32_t(k), hi = uint32_t(x >> 32) + uint32_t(k >> 32);
  return uint64_t(lo) * uint64_t(hi);
}

inline Lanes words_plain(const uint8_t* p, const uint64_t* k, size_t n) {
  Lanes s;
  for (size_t j = 0; j < n; ++j) {
    uint64_t x;
    std::memcpy(&x, p + 8 * j, 8);
    s.a0 += nh(x, k[j]);
    s.a1 += nh(x, k[j + 1]);
  }
  return s;
}

#ifdef SAMEBITS_X86
__attribute__((target("avx2"))) inline Lanes words_avx2(const uint8_t* p, const uint64_t* k, size_t n) {
  __m256i s0 = _mm256_setzero_si256(), s1 = s0, s2 = s0, s3 = s0;
  size_t j = 0;
  for (; j + 8 <= n; j += 8) {
    __m256i x = _mm256_loadu_si256((const __m256i*)(p + 8 * j));
    __m256i y = _mm256_loadu_si256((const __m256i*)(p + 8 * j + 32));
    __m256i t0 = _mm256_add_epi32(x, _mm256_loadu_si256((const __m256i*)(k + j)));
    __m256i t1 = _mm256_add_epi32(x, _mm256_loadu_si256((const __m256i*)(k + j + 1)));
    __m256i t2 = _mm256_add_epi32(y, _mm256_loadu_si256((const __m256i*)(k + j + 4)));
    __m256i t3 = _mm256_add_epi32(y, _mm256_loadu_si256((const __m256i*)(k + j + 5)));
    s0 = _mm256_add_epi64(s0, _mm256_mul_epu32(t0, _mm256_srli_epi64(t0, 32)));
    s1 = _mm256_add_epi64(s1, _mm256_mul_epu32(t1, _mm256_srli_epi64(t1, 32)));
    s2 = _mm256_add_epi64(s2, _mm256_mul_epu32(t2, _mm256_srli_epi64(t2, 32)));
    s3 = _mm256_add_epi64(s3, _mm256_mul_epu32(t3, _mm256_srli_epi64(t3, 32)));
  }
  alignas(32) uint64_t u[4], v[4];
  _mm256_store_si256((__m256i*)u, _mm256_add_epi64(s0, s2));
  _mm256_store_si256((__m256i*)v, _mm256_add_epi64(s1, s3));
  Lanes s = words_plain(p + 8 * j, k + j, n - j);
  s.a0 += u[0] + u[1] + u[2] + u[3];
  s.a1 += v[0] + v[1] + v[2] + v[3];
  return s;
}

__attribute__((target("avx512f"))) inline Lanes words_avx512(const uint8_t* p, const uint64_t* k, size_t n) {
  __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;
  size_t j = 0;
  for (; j + 16 <= n; j += 16) {
    __m512i x = _mm512_loadu_si512(p + 8 * j);
    __m512i y = _mm512_loadu_si512(p + 8 * j + 64);
    __m512i t0 = _mm512_add_epi32(x, _mm512_loadu_si512(k + j));
    __m512i t1 = _mm512_add_epi32(x, _mm512_loadu_si512(k + j + 1));
    __m512i t2 = _mm512_add_epi32(y, _mm512_loadu_si512(k + j + 8));
    __m512i t3 = _mm512_add_epi32(y, _mm512_loadu_si512(k + j + 9));
    s0 = _mm512_add_epi64(s0, _mm512_mul_epu32(t0, _mm512_srli_epi64(t0, 32)));
    s1 = _mm512_add_epi64(s1, _mm512_mul_epu32(t1, _mm512_srli_epi64(t1, 32)));
    s2 = _mm512_add_epi64(s2, _mm512_mul_epu32(t2, _mm512_srli_epi64(t2, 32)));
    s3 = _mm512_add_epi64(s3, _mm512_mul_epu32(t3, _mm512_srli_epi64(t3, 32)));
  }
  Lanes s = words_plain(p + 8 * j, k + j, n - j);
  s.a0 += uint64_t(_mm512_reduce_add_epi64(_mm512_add_epi64(s0, s2)));
  s.a1 += uint64_t(_mm512_reduce_add_epi64(_mm512_add_epi64(s1, s3)));
  return s;
}
#endif

using WordsFn = Lanes (*)(const uint8_t*, const uint64_t*, size_t);
inline WordsFn pick_words() {
#ifdef SAMEBITS_X86
  if (__builtin_cpu_supports("avx512f")) return words_avx512;
  if (__builtin_cpu_supports("avx2")) return words_avx2;
#endif
  return words_plain;
}
inline WordsFn& words() {
  static WordsFn fn = pick_words();
  return fn;
}

inline uint64_t mix_row(Lanes s, uint64_t row) { return fmix(s.a0 ^ fmix(s.a1 + (row + 1) * GOLDEN)); }

// Row number `row`, of n <= 8 * ROW bytes; only the last may be short.
inline uint64_t digest_row(const uint8_t* p, size_t n, size_t row) {
  const uint64_t* k = keys().k;
  Lanes s = words()(p, k, n / 8);
  if (size_t rest = n % 8) {
    uint64_t x = 0;
    std::memcpy(&x, p + n - rest, rest);
    s.a0 += nh(x, k[n / 8]);
    s.a1 += nh(x, k[n / 8 + 1]);
  }
  return mix_row(s, row);
}

// Rows [first, last) of nbytes bytes at p, summed.
inline uint64_t digest_rows(const uint8_t* p, size_t nbytes, size_t first, size_t last) {
  uint64_t total = 0;
  for (size_t r = first; r < last; ++r) {
    size_t begin = r * ROW * 8, left = nbytes - begin;
    total += digest_row(p + begin, left < ROW * 8 ? left : ROW * 8, r);
  }
  return total;
}
inline size_t row_count(size_t nbytes) { return (nbytes + ROW * 8 - 1) / (ROW * 8); }

inline uint64_t fold(uint64_t h, uint64_t v) { return fmix((h ^ fmix(v + GOLDEN)) * GOLDEN); }

// dtype: PyTorch's ScalarType number.  0 is kept for "no digest".
inline uint64_t finish(uint64_t total, size_t nbytes, int dtype, const int64_t* shape, size_t ndim) {
  uint64_t h = fold(fold(fold(total, nbytes), uint64_t(dtype)), ndim);
  for (size_t d = 0; d < ndim; ++d) h = fold(h, uint64_t(shape[d]));
  return h ? h : 1;
}

}  // namespace samebits
