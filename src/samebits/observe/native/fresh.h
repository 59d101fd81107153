// Uninitialised memory: which storages came from `empty` and have not been wholly written since.
#pragma once
#include "tensors.h"

namespace samebits {
namespace {

const c10::StorageImpl* storage_of(const at::Tensor& t) {
  return t.defined() && has_bytes(t) ? t.unsafeGetTensorImpl()->unsafe_storage().unsafeGetStorageImpl() : nullptr;
}

void mark_fresh(const at::Tensor& t, uint32_t site) {
  const c10::StorageImpl* s = storage_of(t);
  if (!s || t.numel() == 0) return;
  std::lock_guard<std::mutex> hold(g->fresh_lock);
  auto strong = c10::intrusive_ptr<c10::StorageImpl>::reclaim_copy(const_cast<c10::StorageImpl*>(s));
  g->fresh.insert_or_assign(s, Observer::Fresh{c10::weak_intrusive_ptr<c10::StorageImpl>(strong), site});
  g->fresh_count = g->fresh.size();
}

// A tensor was written; memory it covers wholly is initialised from now on.
void mark_written(const at::Tensor& t) {
  const c10::StorageImpl* s = storage_of(t);
  if (!s) return;
  std::lock_guard<std::mutex> hold(g->fresh_lock);
  auto it = g->fresh.find(s);
  if (it == g->fresh.end()) return;
  if (size_t(t.numel()) * t.element_size() >= s->nbytes()) {
    g->fresh.erase(it);
    g->fresh_count = g->fresh.size();
  }
}

uint32_t fresh_site(const at::Tensor& t) {
  const c10::StorageImpl* s = storage_of(t);
  if (!s) return 0;
  std::lock_guard<std::mutex> hold(g->fresh_lock);
  auto it = g->fresh.find(s);
  return it == g->fresh.end() ? 0 : it->second.site;
}

void sweep_fresh() {
  std::lock_guard<std::mutex> hold(g->fresh_lock);
  for (auto it = g->fresh.begin(); it != g->fresh.end();) it = it->second.alive.expired() ? g->fresh.erase(it) : std::next(it);
  g->fresh_count = g->fresh.size();
}

}  // namespace
}  // namespace samebits
