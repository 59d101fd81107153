// The observer: collects events (operations and what Python pushes) in execution order, per thread.
//
// Operations arrive through at::RecordFunction, the profiler's own hook: it sees what the dispatcher
// runs without becoming part of the dispatch, so kernels, decompositions and torch.compile behave as
// they would unobserved (a TorchDispatchMode changes all three).  One callback costs some hundred
// nanoseconds.  What an event is: src/samebits/model/events.py.
#include "state.h"

#include <algorithm>

#include <torch/csrc/autograd/python_variable.h>

#include "draws.h"
#include "fresh.h"
#include "norms.h"
#include "operators.h"
#include "sites.h"
#include "tensors.h"

namespace samebits {
namespace {

size_t put(Thread* t, const Event& e) {
  Thread::Held hold(t);
  t->events.push_back(e);
  return t->events.size() - 1;
}
void put(Thread* t, Event e, const Sum& sum) {
  e.digest = sum.host;
  Thread::Held hold(t);
  if (sum.device.defined()) t->pending.push_back({t->events.size(), false, sum.device});
  t->events.push_back(e);
}
void put(Thread* t, Event e, const Sum& sum, const at::Tensor& norm) {
  put(t, e, sum);
  Thread::Held hold(t);
  if (norm.defined() && !t->events.empty()) t->pending.push_back({t->events.size() - 1, true, norm});
}

bool pure_output(const OpInfo* op, size_t i) {
  if (op->overwrites && i == 0) return true;
  for (uint8_t o : op->out)
    if (o == i) return true;
  return false;
}

// The autograd node at work.  What a node's gradients still need once it has returned (the sum over a
// broadcast dimension, adding to what other nodes gave) runs outside its scope, and is its work too.
const BackwardScope* running_node(Thread* t) {
  if (!t->backward.empty()) return &t->backward.back();
  int task = torch::autograd::get_current_graph_task_id();
  return task != -1 && task == t->last_task && top_frame() == t->last_node.frame ? &t->last_node : nullptr;
}

// The operation this one runs inside of; autograd's own bookkeeping scopes are looked through.
Frame* real_parent(Thread* t) {
  for (auto it = t->stack.rbegin(); it != t->stack.rend(); ++it)
    if (!it->op->wrapper_only) return &*it;
  return nullptr;
}

Phase phase_now(Thread* t, bool model) {
  if (!t->backward.empty() || torch::autograd::get_current_graph_task_id() != -1) return BACKWARD;
  // A closure's forward inside optimizer.step() runs with gradients on.
  if (t->phase != OTHER && !(t->phase == OPTIMIZER && at::GradMode::is_enabled())) return Phase(t->phase);
  return model ? FORWARD : OTHER;
}

std::unique_ptr<at::ObserverContext> on_start(const at::RecordFunction& fn) {
  Thread* t = this_thread();
  if (t->suspended) return nullptr;
  Timed timed(t);
  const Frame* parent = real_parent(t);
  // A kernel's inner workings are no events, its outputs are; a wrapper tensor's are what it computes.
  if (parent && !parent->op->composite && !parent->wrapped) return nullptr;
  const OpInfo* op = op_info(fn);
  Place here;
  uint32_t node = t->backward.empty() ? 0 : t->backward.back().node;
  if (!op->wrapper_only || fn.seqNr() >= 0) {
    if (parent) {
      here.site = parent->site;
      here.module = parent->module;
    } else if (const BackwardScope* scope = running_node(t)) {
      node = scope->node;
      if (top_frame() != scope->frame) here = place(scope->frame);  // Python ran since the node began
      if (!here.user) here.site = scope->site;
      if (!here.module) here.module = scope->module;
      if (!here.site) here.site = place().site;  // no forward line made it: the line that called backward()
    } else {
      here = place();
    }
  }
  const bool below = parent, grad_above = parent && parent->grad;
  t->stack.emplace_back();  // `parent` may be moved by this
  Frame& f = t->stack.back();
  f.fn = &fn;
  f.op = op;
  f.site = here.site;
  f.module = here.module;
  f.node = node;
  int64_t seq = fn.seqNr();
  if (seq >= 0) {
    if (t->origins.empty()) {
      Thread::Held hold(t);
      t->origins.resize(ORIGINS);
    }
    t->origins[size_t(seq) & (ORIGINS - 1)] = {seq, f.site, f.module};
  }
  if (op->wrapper_only) return nullptr;
  auto inputs = fn.inputs();
  for (const auto& v : inputs) each_tensor(v, [&](const at::Tensor& x) { f.wrapped |= x.defined() && is_opaque(x); });
  if (below) {
    f.grad = grad_above;  // below autograd its inputs no longer tell
  } else if (at::GradMode::is_enabled()) {
    for (const auto& v : inputs) each_tensor(v, [&](const at::Tensor& x) { f.grad |= x.defined() && x.requires_grad(); });
  }
  for (uint8_t i : op->mutated)
    if (i < inputs.size()) each_tensor(inputs[i], [&](const at::Tensor& x) { f.mutated.push_back(x); });
  if (op->generator >= 0 && size_t(op->generator) < inputs.size() && inputs[size_t(op->generator)].isGenerator()) {
    at::Generator used = inputs[size_t(op->generator)].toGenerator();
    if (used.device().is_cpu() && used != at::detail::getDefaultCPUGenerator()) f.flags |= OWN_GENERATOR;
  }
  if (op->flags & RANDOM) {
    bool inside = std::any_of(t->stack.begin(), t->stack.end(), [](const Frame& x) { return x.draw && x.draw->position; });
    f.draw = std::make_unique<Draw>(draw_begins(t, op, inputs, inside));
    if (f.draw->seen) {
      Quiet quiet(t);
      draw_at(t, *f.draw, op, f.site, f.module);
    }
  }
  bool zoom = g->zoom.load(std::memory_order_relaxed);
  bool fresh = g->fresh_count.load(std::memory_order_relaxed) && !(op->flags & (VIEW | UNINITIALIZED));
  if (C10_UNLIKELY(zoom || fresh)) {
    Quiet quiet(t);
    Sum sum;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (pure_output(op, i)) continue;
      each_tensor(inputs[i], [&](const at::Tensor& x) {
        if (fresh && !f.source && (f.source = fresh_site(x))) f.flags |= READS_UNINITIALIZED;
        if (zoom) sum.add(x);
      });
      if (zoom && (inputs[i].isDouble() || inputs[i].isInt() || inputs[i].isBool())) sum.add(scalar_digest(inputs[i]));
    }
    bool unknown = sum.device.defined() || (op->flags & EXTERNAL);
    if (zoom) f.inputs = unknown ? 0 : (sum.host ? sum.host : 1);
    if (zoom && (op->flags & RANDOM)) {
      bool cpu = true;
      for (const auto& v : inputs) each_tensor(v, [&](const at::Tensor& x) { cpu &= !x.defined() || x.is_cpu(); });
      bool given = op->generator >= 0 && inputs[size_t(op->generator)].isGenerator();
      if (cpu) f.generator = state_digest(given ? inputs[size_t(op->generator)].toGenerator() : at::detail::getDefaultCPUGenerator());
    }
  }
  return nullptr;
}

void capture(Thread* t, uint64_t index, const std::vector<c10::IValue>& outputs) {
  uint32_t part = 0;
  for (const auto& v : outputs)
    each_tensor(v, [&](const at::Tensor& x) {
      uint32_t p = part++;
      if (!x.defined() || !has_bytes(x)) return;
      int64_t n = x.numel() * int64_t(x.element_size());
      int64_t share = g->capture_share.load(), left = g->capture_left.load();
      if (n > (64 << 20) || n > (share ? left / share : left)) return;
      if (share && !x.is_cpu()) return;  // to wait for a device at each operation is worth it in a zoom alone
      g->capture_left -= n;
      if (n && x.is_cpu() && !x.const_data_ptr()) return;  // zeros that autograd never wrote out
      at::Tensor c = x.detach().resolve_conj().resolve_neg().cpu().contiguous();
      std::lock_guard<std::mutex> hold(g->captured_lock);
      g->captured.push_back({t->ordinal, index, p, int(c.scalar_type()), c.sizes().vec(),
                             std::string(static_cast<const char*>(c.const_data_ptr()), size_t(n))});
    });
}

void on_end(const at::RecordFunction& fn, at::ObserverContext*) {
  Thread* t = tls;
  if (!t || t->stack.empty() || t->stack.back().fn != &fn) return;
  Timed timed(t);
  Frame f = std::move(t->stack.back());
  t->stack.pop_back();
  const OpInfo* op = f.op;
  Frame* parent = real_parent(t);
  const auto& outputs = fn.outputs();
  auto inherit = [&] {
    if (!parent) return;
    parent->children += f.children;
    parent->seen |= f.seen;
    parent->last = std::move(f.last);
    parent->made = f.made;
  };
  if (op->wrapper_only) return inherit();
  const bool drew = f.draw && draw_ends(t, *f.draw);
  if (outputs.size() < op->returns) return;  // the kernel raised
  if ((op->flags & (UNINITIALIZED | VIEW)) && parent) return;  // a decomposition's workspace and reshapes

  const c10::TensorImpl* first = nullptr;
  size_t tensors = 0;
  bool wraps = false;
  for (const auto& v : outputs)
    each_tensor(v, [&](const at::Tensor& x) {
      wraps |= x.defined() && is_opaque(x);
      if (!tensors++) first = x.unsafeGetTensorImpl();
    });
  auto made = [&](const c10::TensorImpl* impl) {
    auto is = [&](const std::optional<WeakTensor>& x) { return x->_unsafe_get_target() == impl; };
    return std::any_of(f.last.begin(), f.last.begin() + f.made, is);
  };
  if (op->composite && f.children && (!tensors || made(first)))
    return inherit();  // its last operation made this; what else it returns was made, and seen, before
  if (f.wrapped && f.seen && wraps) return inherit();  // what it wraps has been seen

  Quiet quiet(t);
  Event e;
  e.kind = op->kind;
  e.flags = op->flags | f.flags;
  if (f.draw && f.draw->position && !drew) e.flags &= uint8_t(~RANDOM);  // it might have drawn
  e.name = op->name;
  e.site = f.site;
  e.module = f.module;
  e.source = f.source;
  e.inputs = f.inputs;
  e.generator = f.generator;
  e.node = f.node;
  e.phase = phase_now(t, e.module || f.grad);
  Sum sum;
  if (f.source && f.mutated.empty()) {
    // It returns memory that nothing had filled, and that it was given: how much of it it wrote, it does not say.
    bool back = false;
    for (const auto& v : outputs) each_tensor(v, [&](const at::Tensor& x) { back |= fresh_site(x) != 0; });
    if (back) {
      for (const auto& v : outputs) each_tensor(v, [](const at::Tensor& x) { mark_written(x); });
      e.flags = uint8_t((e.flags & ~READS_UNINITIALIZED) | VIEW);
      e.source = 0;
    }
  }
  bool unread = e.flags & (VIEW | UNINITIALIZED | PENDING);
  auto add = [&](const at::Tensor& x) {
    if (unread) sum.add(x.defined() ? meta_digest(x) : 2);
    else sum.add(x);
  };
  for (const auto& v : outputs) {
    each_tensor(v, add);
    if (!unread && !v.isTensor() && !v.isList()) sum.add(scalar_digest(v));
  }
  for (const auto& x : f.mutated) add(x);
  if (op->flags & UNINITIALIZED) {
    for (const auto& v : outputs) each_tensor(v, [&](const at::Tensor& x) { mark_fresh(x, f.site); });
  } else if (!unread && g->fresh_count.load(std::memory_order_relaxed)) {
    for (const auto& v : outputs) each_tensor(v, [](const at::Tensor& x) { mark_written(x); });
    for (const auto& x : f.mutated) mark_written(x);
  }
  if (!sum.n) sum.add(uint64_t(3));
  if (parent) {
    ++parent->children;
    parent->seen |= tensors > 0;
    parent->made = 0;
    for (const auto& v : outputs)
      each_tensor(v, [&](const at::Tensor& x) {
        if (parent->made < parent->last.size()) parent->last[parent->made++].emplace(x.getIntrusivePtr());
      });
  }
  if (C10_UNLIKELY(g->capture_left.load(std::memory_order_relaxed) > 0) && !unread)
    capture(t, t->start + t->events.size(), outputs);
  put(t, e, sum);
  if (C10_UNLIKELY(t->events.size() >= FLUSH_AT && t->ordinal == 0)) {
    Gil gil;
    PyObject* done = PyObject_CallNoArgs(g->flush);
    if (!done) PyErr_WriteUnraisable(g->flush);
    Py_XDECREF(done);
  }
}

std::unique_ptr<at::ObserverContext> on_backward_start(const at::RecordFunction& fn) {
  Thread* t = this_thread();
  if (t->suspended) return nullptr;
  Origin origin;
  int64_t seq = fn.seqNr();
  auto find = [&](Thread* from) {
    if (from->origins.empty()) return;
    const Origin& o = from->origins[size_t(seq) & (ORIGINS - 1)];
    if (o.sequence == seq) origin = o;
  };
  if (seq >= 0) {
    uint64_t id = fn.forwardThreadId();
    if (!id || id == t->id) {
      find(t);
    } else {
      std::lock_guard<std::mutex> hold(g->threads_lock);
      for (auto& other : g->threads)
        if (other->id == id) find(other.get());
    }
  }
  std::string name = fn.name();
  size_t cut = name.rfind(": ");  // "autograd::engine::evaluate_function: MulBackward0"
  t->backward.push_back({&fn, origin.site, origin.module, intern(cut == std::string::npos ? name : name.substr(cut + 2)),
                         top_frame()});
  return nullptr;
}

void on_backward_end(const at::RecordFunction& fn, at::ObserverContext*) {
  Thread* t = tls;
  if (!t || t->backward.empty() || t->backward.back().fn != &fn) return;
  t->last_node = t->backward.back();
  t->last_task = torch::autograd::get_current_graph_task_id();
  t->backward.pop_back();
}

}  // namespace
}  // namespace samebits

#include "binding.h"
