// What the observer holds: events by thread, and the tables that number names, sites and modules.
#pragma once
#include "frames.h"
#undef Py_BUILD_CORE

#include <ATen/ATen.h>
#include <ATen/record_function.h>

#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "digest.h"

namespace samebits {
namespace {

// --- numbers shared with events.py -------------------------------------------------------------
enum Kind : uint8_t { OP, REGION, COLLECTIVE, BATCH, LOSS, GRADIENT, PARAMETER, READ, GENERATOR };
enum Phase : uint8_t { OTHER, DATA, FORWARD, BACKWARD, OPTIMIZER };
enum Flag : uint8_t { VIEW = 1, UNINITIALIZED = 2, RANDOM = 4, PENDING = 8, PARTIAL = 16, READS_UNINITIALIZED = 32, EXTERNAL = 64, OWN_GENERATOR = 128 };

struct Event {
  uint64_t digest = 0, inputs = 0, generator = 0;
  double norm = std::numeric_limits<double>::quiet_NaN();  // of a gradient or a parameter
  uint32_t name = 0, site = 0, module = 0, node = 0, source = 0;
  uint8_t kind = 0, phase = 0, flags = 0;
};

// Bits of an event that are still on a device.
struct Pending {
  size_t event;
  bool norm;  // else the digest
  at::Tensor bits;
};

struct Captured {
  uint32_t thread;
  uint64_t index;
  uint32_t part;
  int dtype;
  std::vector<int64_t> shape;
  std::string data;
};

// --- what is known of an operator, found once ---------------------------------------------------
struct OpInfo {
  uint32_t name = 0;
  uint8_t kind = OP, flags = 0;
  bool composite = false;     // has no kernel of its own: runs other operations
  bool overwrites = false;    // writes its first argument without reading it
  bool wrapper_only = false;  // never an event by itself
  size_t returns = 0;
  std::vector<uint8_t> out;      // argument positions that are only written (out=)
  std::vector<uint8_t> mutated;  // argument positions written by an operation that returns nothing
  int generator = -1;            // argument position of the generator
};

// An operation that draws from a generator of the CPU, and the state that it found; `at` is where the main thread was.
struct DrawRow {
  uint32_t name = 0, site = 0, module = 0, thread = 0;
  uint64_t state = 0, n = 0, at = 0;
  int loader = 0;
  bool own = false;  // of an object, else of the process
};
struct Draw {
  at::Generator from;      // what a random operation draws from, if its position can be told ...
  uint64_t position = 0;   // ... and where it was before
  bool own = false, fresh = false;
  bool seen = false;       // it is of account
  bool begins = false;     // `row` does
  DrawRow row;
};

// The number of the DataLoader whose samples this thread makes; 0: it makes none.
thread_local int loading = 0;

using WeakTensor = c10::weak_intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>;

struct Frame {
  const at::RecordFunction* fn = nullptr;
  const OpInfo* op = nullptr;
  uint32_t site = 0, module = 0, node = 0, children = 0, source = 0;
  uint64_t inputs = 0, generator = 0;
  std::unique_ptr<Draw> draw;  // of a random operation
  uint8_t flags = 0;
  bool grad = false;     // autograd follows it
  bool wrapped = false;  // works on opaque tensors: what it runs inside are events
  bool seen = false;     // some of which made tensors
  // What the last one made, and how many; held weakly, or an address could be another tensor's by then.
  std::array<std::optional<WeakTensor>, 4> last;
  uint8_t made = 0;
  std::vector<at::Tensor> mutated;
};

struct BackwardScope {
  const at::RecordFunction* fn;
  uint32_t site, module, node;
  PyFrame* frame;
};

struct Origin {
  int64_t sequence = -1;
  uint32_t site = 0, module = 0;
};
constexpr size_t ORIGINS = 1 << 16;
constexpr size_t FLUSH_AT = 100000;  // events; a program that never steps must not fill the memory

struct Thread {
  uint32_t ordinal = 0;
  uint64_t id = 0;     // RecordFunction's id
  uint64_t start = 0;  // events drained so far
  std::vector<Event> events;
  std::vector<Pending> pending;
  std::atomic_flag busy = ATOMIC_FLAG_INIT;
  std::vector<Origin> origins;  // forward operation by autograd sequence number, a ring
  // only its own thread touches what follows
  std::vector<Frame> stack;
  std::vector<BackwardScope> backward;
  BackwardScope last_node{};  // the last to end, in this graph task
  int last_task = -1;
  uint8_t phase = OTHER;
  int suspended = 0;
  uint64_t drawn = 0, drawn_in = 0;  // the line that drew last, and after how many takings of rows
  int drawn_for = 0;                 // and for which loader
  std::pair<const at::RecordFunction*, Draw> drawing{nullptr, {}};  // where operations are no events
  struct Held {
    Thread* t;
    explicit Held(Thread* t) : t(t) {
      while (t->busy.test_and_set(std::memory_order_acquire)) {
      }
    }
    ~Held() { t->busy.clear(std::memory_order_release); }
  };
};

struct Codes {  // classes of code objects
  enum : uint8_t { UNKNOWN, LIBRARY, OTHER_LIBRARY, USER, MODULE_CALL };
};

struct Observer {
  std::shared_mutex lock;  // guards the tables below
  std::unordered_map<std::string, uint32_t> name_ids;
  std::vector<std::string> names{""};
  size_t names_sent = 1;
  std::unordered_map<const char*, std::unique_ptr<OpInfo>> ops;
  std::vector<std::unique_ptr<OpInfo>> gone;  // of operators taken back; a call may still be at work
  std::atomic<uint64_t> ops_epoch{0};         // how often one was
  struct Code {
    PyCodeObject* code;
    int lasti;
  };
  std::unordered_map<uint64_t, uint32_t> site_ids;
  std::vector<Code> sites{{nullptr, 0}};
  std::unordered_map<std::string, uint32_t> explicit_sites;
  std::vector<std::string> site_texts{""};  // file \n line \n function; empty: not resolved yet
  size_t sites_sent = 1;
  std::unordered_map<PyCodeObject*, uint8_t> codes;
  std::unordered_map<PyCodeObject*, std::pair<std::string, int>> called;  // file and lines before, where told
  std::unordered_map<PyObject*, uint32_t> modules;
  std::mutex threads_lock;
  std::deque<std::unique_ptr<Thread>> threads;

  std::vector<std::string> torch_prefixes, library_prefixes;
  PyCodeObject* module_call = nullptr;
  PyObject* module_name = nullptr;  // callable: module -> name
  PyObject* where = nullptr;        // callable: code -> (file, lines before), or None: made by a library
  PyObject* flush = nullptr;        // callable: asks Python to drain
  at::CallbackHandle function_handle = 0, backward_handle = 0;
  bool ops_on = false;
  std::atomic<bool> zoom{false};
  std::atomic<int64_t> capture_left{0};
  std::atomic<int64_t> capture_share{0};  // an output takes at most this part of what is left; 0: all of it
  bool timed = false;                     // the time that observing takes is measured, in thread 0
  std::chrono::nanoseconds spent{0};
  std::mutex captured_lock;
  std::vector<Captured> captured;

  at::CallbackHandle draw_handle = 0;
  bool draws_on = false;
  std::atomic<int64_t> draws_left{0};  // operations that are looked at
  std::atomic<uint64_t> draws_taken{1};
  std::mutex draws_lock;  // guards what follows
  std::vector<DrawRow> draws;
  std::unordered_map<uint64_t, uint32_t> draws_at;  // rows of a line
  uint32_t draws_spare = 0, draws_spared = 0;
  uint64_t draws_made[2] = {0, 0};  // from the generator of the process, and from objects

  struct Fresh {
    c10::weak_intrusive_ptr<c10::StorageImpl> alive;  // keeps the address from being used again
    uint32_t site;
  };
  std::mutex fresh_lock;
  std::unordered_map<const c10::StorageImpl*, Fresh> fresh;  // memory not wholly written yet
  std::atomic<size_t> fresh_count{0};
};

Observer* g = nullptr;  // one per process, never freed: callbacks may run until the very end
thread_local Thread* tls = nullptr;

Thread* this_thread() {
  if (C10_UNLIKELY(!tls)) {
    auto t = std::make_unique<Thread>();
    std::lock_guard<std::mutex> hold(g->threads_lock);
    t->ordinal = uint32_t(g->threads.size());
    t->id = at::RecordFunction::currentThreadId();
    tls = t.get();
    g->threads.push_back(std::move(t));
  }
  return tls;
}

// What the observer itself runs is seen by nobody: not by it, nor by autograd, nor by a mode or transform
// that is active where it runs (the user's TorchDispatchMode, vmap, autocast).
struct Quiet {
  Thread* t;
  at::DisableRecordFunctionGuard off;
  c10::impl::ForceDispatchKeyGuard plain{
      c10::default_included_set,
      c10::default_excluded_set | c10::autograd_dispatch_keyset_with_ADInplaceOrView | c10::python_ks};
  explicit Quiet(Thread* t) : t(t) { ++t->suspended; }
  ~Quiet() { --t->suspended; }
};

// Adds the time of a block to what observing has taken.
struct Timed {
  const bool on;
  std::chrono::steady_clock::time_point began;
  explicit Timed(const Thread* t) : on(g->timed && t->ordinal == 0) {
    if (on) began = std::chrono::steady_clock::now();
  }
  ~Timed() {
    if (on) g->spent += std::chrono::steady_clock::now() - began;
  }
};

struct Gil {
  PyGILState_STATE s = PyGILState_Ensure();
  ~Gil() { PyGILState_Release(s); }
};

uint32_t intern(const std::string& text) {
  if (text.empty()) return 0;
  {
    std::shared_lock<std::shared_mutex> hold(g->lock);
    auto it = g->name_ids.find(text);
    if (it != g->name_ids.end()) return it->second;
  }
  std::unique_lock<std::shared_mutex> hold(g->lock);
  auto [it, fresh] = g->name_ids.try_emplace(text, uint32_t(g->names.size()));
  if (fresh) g->names.push_back(text);
  return it->second;
}

}  // namespace
}  // namespace samebits
