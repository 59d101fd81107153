// The digest of tensors of any layout and device; the definition is in digest.h.
#pragma once
#include <ATen/NestedTensorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/functorch/BatchedTensorImpl.h>

#include "state.h"

namespace samebits {
namespace {

// A tensor whose inside cannot be had here: a subclass with __torch_dispatch__, a wrapper of functorch's grad.
bool is_opaque(const at::Tensor& t) {
  return t.key_set().has_any(c10::DispatchKeySet({c10::DispatchKey::Python, c10::DispatchKey::FuncTorchGradWrapper}));
}

// Holds other tensors rather than memory: such a one, or another of functorch's.
bool is_wrapper(const at::Tensor& t) {
  return t.key_set().has_any(c10::DispatchKeySet({c10::DispatchKey::Python, c10::DispatchKey::Functionalize,
                                                  c10::DispatchKey::FuncTorchBatched, c10::DispatchKey::FuncTorchGradWrapper,
                                                  c10::DispatchKey::BatchedNestedTensor, c10::DispatchKey::Batched}));
}

bool has_bytes(const at::Tensor& t) {
  return !t.is_meta() && t.layout() == c10::kStrided && !t.is_nested() && t.unsafeGetTensorImpl()->has_storage() &&
         !is_wrapper(t);
}

// The tensors that a sparse, nested or batched (vmap) one consists of; none for any other.
std::vector<at::Tensor> parts(const at::Tensor& t) {
  if (t.is_meta() || is_opaque(t)) return {};
  if (auto* batched = at::functorch::maybeGetBatchedImpl(t)) return {batched->value()};
  if (is_wrapper(t)) return {};
  if (t.is_nested()) {
    auto* nested = at::native::get_nested_tensor_impl(t);
    return {nested->get_nested_sizes(), nested->get_unsafe_storage_as_tensor()};
  }
  switch (t.layout()) {
    case c10::kSparse: return {t._indices(), t._values()};
    case c10::kSparseCsr:
    case c10::kSparseBsr: return {t.crow_indices(), t.col_indices(), t.values()};
    case c10::kSparseCsc:
    case c10::kSparseBsc: return {t.ccol_indices(), t.row_indices(), t.values()};
    default: return {};
  }
}

uint64_t meta_digest(const at::Tensor& t) {
  if (t.is_nested()) return 1;
  if (t.unsafeGetTensorImpl()->has_symbolic_sizes_strides()) return 1;
  auto s = t.sizes();
  return finish(0, 0, int(t.scalar_type()), s.data(), s.size());
}

// A strided tensor with neighbouring dimensions merged where one runs on into the next.
struct Layout {
  std::vector<int64_t> sizes, strides;
  explicit Layout(const at::Tensor& t) {
    for (int64_t d = 0; d < t.dim(); ++d) {
      if (t.size(d) == 1) continue;
      if (!sizes.empty() && strides.back() == t.stride(d) * t.size(d)) {
        sizes.back() *= t.size(d);
        strides.back() = t.stride(d);
      } else {
        sizes.push_back(t.size(d));
        strides.push_back(t.stride(d));
      }
    }
  }
};

// Elements [start, start + count) in logical order, copied to q.
template <typename T>
void gather(const T* p, T* q, const Layout& layout, int64_t start, int64_t count) {
  int64_t last = int64_t(layout.sizes.size()) - 1, offset = 0;
  int64_t at[64];
  for (int64_t d = last, rest = start; d >= 0; --d) {
    at[d] = rest % layout.sizes[d];
    rest /= layout.sizes[d];
    offset += at[d] * layout.strides[d];
  }
  const int64_t inner = layout.sizes[last], step = layout.strides[last];
  while (count > 0) {
    int64_t run = std::min(inner - at[last], count);
    if (step == 1) {
      std::memcpy(q, p + offset, size_t(run) * sizeof(T));
    } else {
      for (int64_t i = 0; i < run; ++i) q[i] = p[offset + i * step];
    }
    q += run;
    count -= run;
    offset -= at[last] * step;
    at[last] = 0;
    for (int64_t d = last - 1; d >= 0; --d) {
      offset += layout.strides[d];
      if (++at[d] < layout.sizes[d]) break;
      offset -= layout.strides[d] * layout.sizes[d];
      at[d] = 0;
    }
  }
}

// The sum over rows [first, last) of a tensor that is not contiguous: gathered a row at a time, so that
// no second copy of it is ever in memory.
template <typename T>
uint64_t strided_rows(const uint8_t* p, const Layout& layout, size_t elements, size_t first, size_t last) {
  constexpr size_t per_row = ROW * 8 / sizeof(T);
  alignas(64) T row[per_row];
  uint64_t total = 0;
  for (size_t r = first; r < last; ++r) {
    size_t count = std::min(per_row, elements - r * per_row);
    gather(reinterpret_cast<const T*>(p), row, layout, int64_t(r * per_row), int64_t(count));
    total += digest_row(reinterpret_cast<const uint8_t*>(row), count * sizeof(T), r);
  }
  return total;
}

constexpr size_t PARALLEL = 1 << 20;  // below this many bytes a second thread costs more than it saves

template <typename F>
uint64_t rows_sum(size_t bytes, F&& rows_between) {
  size_t rows = row_count(bytes);
  if (bytes < PARALLEL || at::in_parallel_region() || at::get_num_threads() == 1) return rows_between(size_t(0), rows);
  std::atomic<uint64_t> total{0};
  at::parallel_for(0, int64_t(rows), int64_t(PARALLEL / 2 / (ROW * 8)), [&](int64_t a, int64_t b) {
    total.fetch_add(rows_between(size_t(a), size_t(b)), std::memory_order_relaxed);
  });
  return total.load();
}

uint64_t strided_total(const at::Tensor& t, const uint8_t* p, size_t bytes) {
  Layout layout(t);
  size_t elements = size_t(t.numel());
  auto sum = [&](auto element) {
    return rows_sum(bytes, [&](size_t a, size_t b) { return strided_rows<decltype(element)>(p, layout, elements, a, b); });
  };
  struct Wide {
    uint64_t half[2];
  };
  switch (t.element_size()) {
    case 1: return sum(uint8_t{});
    case 2: return sum(uint16_t{});
    case 4: return sum(uint32_t{});
    case 8: return sum(uint64_t{});
    default: return sum(Wide{});
  }
}

uint64_t cpu_digest(at::Tensor t) {
  if (C10_UNLIKELY(t.is_conj() || t.is_neg())) t = t.resolve_conj().resolve_neg();
  size_t n = size_t(t.numel()) * t.element_size();
  auto sizes = t.sizes();
  if (n == 0) return finish(0, 0, int(t.scalar_type()), sizes.data(), sizes.size());
  const uint8_t* p = static_cast<const uint8_t*>(t.const_data_ptr());
  if (!p) return meta_digest(t);
  uint64_t total = t.is_contiguous() ? rows_sum(n, [&](size_t a, size_t b) { return digest_rows(p, n, a, b); })
                                     : strided_total(t, p, n);
  return finish(total, n, int(t.scalar_type()), sizes.data(), sizes.size());
}

// The same digest in torch's own int64 operations, for tensors elsewhere: nothing is synchronised, the
// result stays on the device.  int64 arithmetic wraps; `>>` is arithmetic, hence the masks.
int64_t i64(uint64_t v) { return int64_t(v); }
at::Tensor shift(const at::Tensor& x, int64_t n) { return x.__rshift__(n).bitwise_and(i64(~0ull >> n)); }
at::Tensor mixed(at::Tensor h) {
  h = h.bitwise_xor(shift(h, 33)).mul(i64(0xFF51AFD7ED558CCDull));
  h = h.bitwise_xor(shift(h, 33)).mul(i64(0xC4CEB9FE1A85EC53ull));
  return h.bitwise_xor(shift(h, 33));
}
at::Tensor nh_sum(const at::Tensor& x, const at::Tensor& k) {
  constexpr int64_t M = 0xFFFFFFFFll;
  auto lo = x.bitwise_and(M).add(k.bitwise_and(M)).bitwise_and(M);
  auto hi = shift(x, 32).add(shift(k, 32)).bitwise_and(M);
  return lo.mul(hi).sum(-1);
}
at::Tensor rows_total(const at::Tensor& rows, int64_t first, const at::Tensor& k) {
  int64_t w = rows.size(-1);
  auto a0 = nh_sum(rows, k.slice(0, 0, w)), a1 = nh_sum(rows, k.slice(0, 1, w + 1));
  auto r = at::arange(first + 1, first + 1 + rows.size(0), rows.options()).mul(i64(GOLDEN));
  return mixed(a0.bitwise_xor(mixed(a1.add(r)))).sum();
}
at::Tensor folded(const at::Tensor& h, uint64_t v) {
  return mixed(h.bitwise_xor(i64(fmix(v + GOLDEN))).mul(i64(GOLDEN)));
}
at::Tensor device_digest(const at::Tensor& tensor) {
  at::Tensor t = tensor.detach().resolve_conj().resolve_neg().contiguous();
  auto options = at::TensorOptions().dtype(at::kLong).device(t.device());
  int64_t n = t.numel() * int64_t(t.element_size());
  at::Tensor total = at::zeros({}, options);
  if (n) {
    at::Tensor bytes = t.dim() ? t.view({-1}) : t.reshape({1});
    bytes = t.is_complex() ? at::view_as_real(bytes).reshape({-1}).view(at::kByte) : bytes.view(at::kByte);
    int64_t pad = (8 - n % 8) % 8;
    if (pad || bytes.storage_offset() % 8) bytes = at::constant_pad_nd(bytes, {0, pad});
    at::Tensor words = bytes.view(at::kLong), k = at::from_blob(const_cast<uint64_t*>(keys().k), {int64_t(ROW) + 1},
                                                               at::TensorOptions().dtype(at::kLong)).to(t.device());
    int64_t whole = words.size(0) / int64_t(ROW), tail = words.size(0) % int64_t(ROW);
    constexpr int64_t CHUNK = 1024;  // 16 MiB of data at a time bounds the temporaries
    for (int64_t r = 0; r < whole; r += CHUNK) {
      int64_t m = std::min(CHUNK, whole - r);
      total = total.add(rows_total(words.slice(0, r * int64_t(ROW), (r + m) * int64_t(ROW)).view({m, int64_t(ROW)}), r, k));
    }
    if (tail) total = total.add(rows_total(words.slice(0, whole * int64_t(ROW)).view({1, tail}), whole, k));
  }
  at::Tensor h = folded(folded(folded(total, uint64_t(n)), uint64_t(t.scalar_type())), uint64_t(t.dim()));
  for (int64_t s : t.sizes()) h = folded(h, uint64_t(s));
  return h.add(h.eq(0));
}

// Digest of several tensors, a running fold.  `device` collects where any is not on the CPU.
struct Sum {
  uint64_t host = 0;
  at::Tensor device;
  size_t n = 0;
  void add(uint64_t d) {
    if (device.defined()) device = folded(device, d);
    else host = n ? fold(host, d) : d;
    ++n;
  }
  void add(const at::Tensor& t) {
    if (!t.defined()) return add(uint64_t(2));
    if (!has_bytes(t)) {
      Sum whole;
      whole.add(meta_digest(t));
      for (const at::Tensor& part : parts(t)) whole.add(part);
      return whole.device.defined() ? add_device(whole.device) : add(whole.host);
    }
    if (t.is_cpu()) return add(cpu_digest(t));
    add_device(device_digest(t));
  }
  void add_device(const at::Tensor& d) {
    if (!n) device = d;
    else if (device.defined()) device = mixed(device.bitwise_xor(mixed(d.add(i64(GOLDEN)))).mul(i64(GOLDEN)));
    else device = mixed(mixed(d.add(i64(GOLDEN))).bitwise_xor(i64(host)).mul(i64(GOLDEN)));
    ++n;
  }
};

template <typename F>
void each_tensor(const c10::IValue& v, F&& f) {
  if (v.isTensor()) {
    f(v.toTensor());
  } else if (v.isTensorList()) {
    for (const at::Tensor& t : v.toTensorVector()) f(t);
  } else if (v.isList()) {
    for (const c10::IValue& e : v.toListRef()) each_tensor(e, f);
  }
}

uint64_t scalar_digest(const c10::IValue& v) {
  uint64_t bits = 0;
  if (v.isDouble()) {
    double d = v.toDouble();
    std::memcpy(&bits, &d, 8);
    return fold(11, bits);
  }
  if (v.isInt()) return fold(12, uint64_t(v.toInt()));
  if (v.isBool()) return fold(13, uint64_t(v.toBool()));
  if (v.isComplexDouble()) {
    auto c = v.toComplexDouble();
    double re = c.real(), im = c.imag();
    std::memcpy(&bits, &re, 8);
    uint64_t h = fold(14, bits);
    std::memcpy(&bits, &im, 8);
    return fold(h, bits);
  }
  return 15;
}

}  // namespace
}  // namespace samebits
