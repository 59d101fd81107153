// The 2-norm of a tensor: by how much a gradient or a parameter differs; its digest says only that it does.
//
// Summed in float64 in blocks of a fixed size, in their order, so that the number of threads changes nothing.
// What it is of NaN or an overflow is what the sum gives: a NaN, an infinity.
#pragma once
#include <cmath>

#include "tensors.h"

namespace samebits {
namespace {

constexpr int64_t NORM_BLOCK = 1 << 16;  // elements

inline __attribute__((always_inline)) float number(float x) { return x; }
inline __attribute__((always_inline)) double number(double x) { return x; }
inline __attribute__((always_inline)) float number(at::Half x) { return float(x); }
inline __attribute__((always_inline)) float number(at::BFloat16 x) {
  uint32_t bits = uint32_t(x.x) << 16;
  float wide;
  std::memcpy(&wide, &bits, sizeof wide);
  return wide;
}

template <typename T>
inline __attribute__((always_inline)) double squares_body(const T* p, int64_t n) {
  double lanes[16] = {};
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    for (int l = 0; l < 16; ++l) {
      double x = double(number(p[i + l]));
      lanes[l] += x * x;
    }
  }
  for (int l = 0; i < n; ++i, ++l) lanes[l] += double(number(p[i])) * double(number(p[i]));
  double total = 0;
  for (double lane : lanes) total += lane;
  return total;
}
#ifdef SAMEBITS_X86
template <typename T>
__attribute__((target("avx2,fma"))) double squares_avx2(const T* p, int64_t n) {
  return squares_body(p, n);
}
#endif
template <typename T>
double squares(const T* p, int64_t n) {
#ifdef SAMEBITS_X86
  static const bool wide = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (wide) return squares_avx2(p, n);
#endif
  return squares_body(p, n);
}

template <typename T>
double norm_of(const T* p, int64_t n) {
  int64_t blocks = (n + NORM_BLOCK - 1) / NORM_BLOCK;
  if (blocks <= 1) return std::sqrt(squares(p, n));
  std::vector<double> sums(blocks);
  auto some = [&](int64_t first, int64_t last) {
    for (int64_t b = first; b < last; ++b) sums[b] = squares(p + b * NORM_BLOCK, std::min(NORM_BLOCK, n - b * NORM_BLOCK));
  };
  if (at::in_parallel_region() || at::get_num_threads() == 1) some(0, blocks);
  else at::parallel_for(0, blocks, 4, some);
  double total = 0;
  for (double s : sums) total += s;
  return std::sqrt(total);
}

bool has_norm(const at::Tensor& t) { return has_bytes(t) && (t.is_floating_point() || t.is_complex()); }

// On the CPU.  NaN where there is none that can be had here.
double cpu_norm(at::Tensor t) {
  if (!t.const_data_ptr()) return t.numel() ? NAN : 0.0;
  if (t.is_complex()) t = at::view_as_real(t.resolve_conj());
  if (!t.is_non_overlapping_and_dense()) t = t.contiguous();
  int64_t n = t.numel();
  switch (t.scalar_type()) {
    case at::kFloat: return norm_of(t.const_data_ptr<float>(), n);
    case at::kDouble: return norm_of(t.const_data_ptr<double>(), n);
    case at::kBFloat16: return norm_of(t.const_data_ptr<at::BFloat16>(), n);
    case at::kHalf: return norm_of(t.const_data_ptr<at::Half>(), n);
    default: return NAN;
  }
}

// On another device: the bits of the norm, as an int64 that stays there; undefined where there is none.
at::Tensor device_norm(const at::Tensor& t) {
  if (!t.is_cuda()) return {};  // others have no float64
  return at::linalg_vector_norm(t.is_complex() ? at::view_as_real(t.detach().resolve_conj()) : t.detach(), 2, c10::nullopt, false, at::kDouble)
      .view(at::kLong);
}

}  // namespace
}  // namespace samebits
