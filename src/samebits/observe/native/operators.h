// What is known of an operator from its schema, found once and cached by the address of its name, while it lasts.
#pragma once
#include <ATen/core/dispatch/Dispatcher.h>

#include "state.h"

namespace samebits {
namespace {

const std::unordered_set<std::string>& overwriting() {
  static const std::unordered_set<std::string> names{
      "aten::fill_",     "aten::zero_",        "aten::copy_",      "aten::normal_",    "aten::uniform_",
      "aten::random_",   "aten::bernoulli_",   "aten::geometric_", "aten::cauchy_",    "aten::log_normal_",
      "aten::exponential_", "aten::eye_",      "aten::set_",       "aten::resize_",    "aten::resize_as_",
      "aten::_foreach_zero_", "aten::_foreach_copy_",
      "aten::lift_fresh"};  // torch.tensor([...]) filled it by hand
  return names;
}

const OpInfo* describe(const at::RecordFunction& fn, const char* key) {
  auto info = std::make_unique<OpInfo>();
  std::string name = fn.name();
  auto operator_name = fn.operator_name();
  if (operator_name) {
    static const std::unordered_set<std::string> empties{
        "aten::empty",         "aten::empty_like",   "aten::empty_strided", "aten::new_empty", "aten::new_empty_strided",
        "aten::empty_permuted", "aten::resize_",     "aten::resize_as_",    "aten::_empty_affine_quantized",
        "aten::_resize_output_", "aten::empty_quantized"};
    auto handle = c10::Dispatcher::singleton().findSchema(*operator_name);
    if (handle) {
      const auto& schema = handle->schema();
      info->returns = schema.returns().size();
      bool writes = false, aliases = false;
      for (size_t i = 0; i < schema.arguments().size(); ++i) {
        const auto& arg = schema.arguments()[i];
        if (const auto* alias = arg.alias_info()) {
          if (alias->isWrite()) {
            writes = true;
            if (arg.is_out()) info->out.push_back(uint8_t(i));
            if (!info->returns) info->mutated.push_back(uint8_t(i));
          }
        }
        if (arg.type()->kind() == c10::TypeKind::GeneratorType ||
            (arg.type()->kind() == c10::TypeKind::OptionalType && arg.name() == "generator"))
          info->generator = int(i);
      }
      for (const auto& r : schema.returns()) aliases |= r.alias_info() != nullptr;
      if (aliases && !writes && name != "aten::lift_fresh") info->flags |= VIEW;
      if (handle->hasTag(at::Tag::inplace_view) || name == "aten::set_") info->flags |= VIEW;
      if (handle->hasTag(at::Tag::nondeterministic_seeded) || info->generator >= 0) info->flags |= RANDOM;
      info->composite = handle->hasKernelForDispatchKey(c10::DispatchKey::CompositeImplicitAutograd) ||
                        handle->hasKernelForDispatchKey(c10::DispatchKey::CompositeExplicitAutograd);
    }
    if (empties.count(name)) info->flags |= UNINITIALIZED;
    if (name == "aten::lift_fresh") info->flags |= EXTERNAL;  // torch.tensor([...]): Python's numbers
    info->overwrites = overwriting().count(name) > 0;
    if (name.rfind("c10d::", 0) == 0 || name.rfind("_c10d_functional::", 0) == 0) {
      info->kind = COLLECTIVE;
      info->flags |= PENDING;
    }
    if (name == "aten::_local_scalar_dense") info->kind = READ;
  } else {
    info->wrapper_only = true;  // a Python autograd.Function, a user's record_function: its operations are events
  }
  info->name = intern(name);
  std::unique_lock<std::shared_mutex> hold(g->lock);
  auto [it, fresh] = g->ops.try_emplace(key, std::move(info));
  return it->second.get();
}

// Forgets an operator that its library takes back (a cell of a notebook that is run again): the next one's
// name may lie where its name lay.
struct Deregistrations : c10::OpRegistrationListener {
  void onOperatorRegistered(const c10::OperatorHandle&) override {}
  void onOperatorDeregistered(const c10::OperatorHandle& op) override {
    std::unique_lock<std::shared_mutex> hold(g->lock);
    auto it = g->ops.find(op.schema().name().c_str());
    if (it == g->ops.end()) return;
    g->gone.push_back(std::move(it->second));
    g->ops.erase(it);
    g->ops_epoch.fetch_add(1, std::memory_order_release);
  }
};

const OpInfo* op_info(const at::RecordFunction& fn) {
  struct Entry {
    const char* key;
    const OpInfo* op;
    uint64_t epoch;
  };
  static thread_local Entry cache[2048];
  const char* key = fn.name();  // points into the operator's own schema: one address per overload
  uint64_t epoch = g->ops_epoch.load(std::memory_order_acquire);
  Entry& e = cache[(uintptr_t(key) >> 4) & 2047];
  if (e.key == key && e.epoch == epoch) return e.op;
  const OpInfo* op = nullptr;
  {
    std::shared_lock<std::shared_mutex> hold(g->lock);
    auto it = g->ops.find(key);
    if (it != g->ops.end()) op = it->second.get();
  }
  if (!op) op = describe(fn, key);
  // Names that are not schemas (record_function labels) live on the caller's heap: never cached by address.
  if (!op->wrapper_only) {
    e = {key, op, epoch};
  } else {
    std::unique_lock<std::shared_mutex> hold(g->lock);
    static const OpInfo wrapper = [] {
      OpInfo w;
      w.wrapper_only = true;
      return w;
    }();
    g->ops.erase(key);
    op = &wrapper;
  }
  return op;
}

}  // namespace
}  // namespace samebits
