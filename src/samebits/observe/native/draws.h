// Which operations draw from torch's generators of the CPU, and the state that each found.
//
// A row begins where another line draws, and after a generator was seeded; it goes on as long as one line draws.
// Where operations are no events, a callback sees them for this alone, and only as many as it is told to.
#pragma once
#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/autograd/graph_task.h>

#include "operators.h"
#include "sites.h"
#include "tensors.h"

namespace samebits {
namespace {

constexpr uint32_t DRAWS = 64;  // rows of one line
// Rows beyond that after each time that a generator was seeded, and in all: whether it gives again what it gave
// before is seen in them.
constexpr uint32_t AFTER_SEED = 8, AFTER_SEEDS = 512;

// Where a generator is on its tape: equal as long as nothing is drawn from it; 0 where that cannot be told.
uint64_t tape_position(const at::Generator& generator, bool* fresh = nullptr) {
  at::Generator used = generator;
  std::lock_guard<std::mutex> hold(used.mutex());
  if (used.device().is_cpu()) {
    auto* cpu = at::check_generator<at::CPUGeneratorImpl>(used);
    auto engine = cpu->engine().data();
    auto kept = uint64_t(bool(cpu->next_float_normal_sample())) * 2 + uint64_t(bool(cpu->next_double_normal_sample()));
    if (fresh) *fresh = engine.left_ == 1 && engine.next_ == 0 && !kept;
    return fmix(fmix(engine.seed_ + GOLDEN * uint64_t(engine.left_)) + engine.state_[0] + (kept << 32)) | 1;
  }
  return 0;
}

uint64_t state_digest(const at::Generator& generator) {
  at::Generator used = generator;
  std::lock_guard<std::mutex> hold(used.mutex());
  return cpu_digest(at::Tensor(used.getIntrusivePtr()->get_state()));
}

// What an operation may draw from, where it is before that, and the row that begins if it draws.
template <typename Inputs>
Draw draw_begins(Thread* t, const OpInfo* op, const Inputs& inputs, bool inside) {
  Draw d;
  bool given = op->generator >= 0 && size_t(op->generator) < inputs.size() && inputs[size_t(op->generator)].isGenerator();
  bool cpu = true;
  for (const auto& v : inputs) each_tensor(v, [&](const at::Tensor& x) { cpu &= !x.defined() || x.is_cpu(); });
  if (given) d.from = inputs[size_t(op->generator)].toGenerator();
  else if (cpu) d.from = at::detail::getDefaultCPUGenerator();
  if (!d.from.defined()) return d;
  bool fresh = false;
  d.position = tape_position(d.from, &fresh);
  // What is drawn again in a backward pass was drawn before, in what is computed anew there.
  if (!d.position || inside || !t->backward.empty() || torch::autograd::get_current_graph_task_id() != -1) return d;
  d.own = d.from != at::detail::getDefaultCPUGenerator();
  d.seen = true;
  d.fresh = fresh;
  return d;
}

// Begins a row, unless the one at hand goes on or there are enough of them.
void draw_at(Thread* t, Draw& d, const OpInfo* op, uint32_t site, uint32_t module) {
  uint64_t key = uint64_t(site) * 2 + d.own;
  const bool goes_on = t->drawn == key && t->drawn_for == loading && t->drawn_in == g->draws_taken.load(std::memory_order_relaxed);
  if (!d.seen || (goes_on && !d.fresh)) return;
  {
    std::lock_guard<std::mutex> hold(g->draws_lock);
    if (d.fresh) g->draws_spare = AFTER_SEED;
    bool spare = g->draws_spare && g->draws_spared < AFTER_SEEDS;
    if (g->draws_spare) --g->draws_spare;
    if (++g->draws_at[key] > DRAWS) {
      if (!spare) return;
      ++g->draws_spared;
    }
    d.row = DrawRow{op->name, site, module, t->ordinal, 0, g->draws_made[d.own], 0, loading, d.own};
  }
  Thread* home = t;
  if (t->ordinal) {
    std::lock_guard<std::mutex> hold(g->threads_lock);
    for (auto& each : g->threads)
      if (each->ordinal == 0) home = each.get();
  }
  {
    Thread::Held hold(home);
    d.row.at = home->start + home->events.size();
  }
  d.row.state = state_digest(d.from);
  d.begins = true;
}

// Whether the operation drew.
bool draw_ends(Thread* t, Draw& d) {
  if (!d.position || tape_position(d.from) == d.position) return false;
  if (!d.seen) return true;
  std::lock_guard<std::mutex> hold(g->draws_lock);
  ++g->draws_made[d.own];
  if (d.begins) {
    g->draws.push_back(d.row);
    t->drawn = uint64_t(d.row.site) * 2 + d.own;
    t->drawn_for = d.row.loader;
    t->drawn_in = g->draws_taken.load(std::memory_order_relaxed);
  }
  return true;
}

// --- where operations are no events

std::unique_ptr<at::ObserverContext> on_draw_start(const at::RecordFunction& fn) {
  Thread* t = this_thread();
  if (g->ops_on || t->suspended || t->drawing.first || g->draws_left.load(std::memory_order_relaxed) <= 0) return nullptr;
  g->draws_left.fetch_sub(1, std::memory_order_relaxed);
  const OpInfo* op = op_info(fn);
  if (!(op->flags & RANDOM)) return nullptr;
  Draw d = draw_begins(t, op, fn.inputs(), false);
  if (!d.seen) return nullptr;
  Place here = place();
  Quiet quiet(t);
  draw_at(t, d, op, here.site, here.module);
  t->drawing = {&fn, std::move(d)};
  return nullptr;
}

void on_draw_end(const at::RecordFunction& fn, at::ObserverContext*) {
  Thread* t = tls;
  if (!t || t->drawing.first != &fn) return;
  draw_ends(t, t->drawing.second);
  t->drawing = {};
}

}  // namespace
}  // namespace samebits
