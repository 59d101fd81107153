// Sees at the generator who draws from it, whichever library does, and who seeds it.
//
// Python's `_random.Random` draws through two C methods, and each of numpy's bit generators through a table of
// C functions (numpy/random/bitgen.h).  Both are taken over where they are: nothing that Python code can see
// changes, and what a library does is seen as well as what the program does.  A draw is noted at the nearest
// line of the user's code in its thread, once as long as that line goes on drawing from that generator.
//
// numpy draws without the GIL, so what is noted is kept here until Python takes it.  See `frames.h` for why
// frames may be read meanwhile.
#include "frames.h"

#ifndef _WIN32
#include <pthread.h>
#endif

#include <array>
#include <atomic>
#include <cstring>
#include <mutex>
#include <new>
#include <shared_mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace samebits {
namespace {

constexpr uint64_t GOLDEN = 0x9E3779B97F4A7C15ull;
constexpr uint32_t CAP = 256;  // rows of one generator at one line; within the steps that are zoomed at, all
// Rows beyond that after each time that a generator was seeded, and of one generator in all: whether it then
// gives what it gave before is seen in them.
constexpr uint32_t AFTER_SEED = 8, AFTER_SEEDS = 512;

struct Gil {
  PyGILState_STATE state = PyGILState_Ensure();
  ~Gil() { PyGILState_Release(state); }
};

// Keeps what the program has raised while we look.
struct Quiet {
  PyObject *type, *value, *trace;
  Quiet() { PyErr_Fetch(&type, &value, &trace); }
  ~Quiet() {
    PyErr_Clear();
    PyErr_Restore(type, value, trace);
  }
};

uint64_t fmix(uint64_t h) {
  h ^= h >> 33;
  h *= 0xFF51AFD7ED558CCDull;
  h ^= h >> 33;
  h *= 0xC4CEB9FE1A85EC53ull;
  return h ^ (h >> 33);
}

uint64_t hash(const void* data, size_t size, uint64_t h) {
  auto bytes = static_cast<const uint8_t*>(data);
  for (size_t i = 0; i < size; i += 4) {
    uint32_t word = 0;
    std::memcpy(&word, bytes + i, size - i < 4 ? size - i : 4);
    h = (h ^ word) * GOLDEN;
    h ^= h >> 29;
  }
  return h;
}

// --- whose code it is

// ASIDE: what it draws itself names files and runs; GENERATOR: the generator's own methods, as of Python's.
// IMPORT: what draws below it is a library that is being imported, for its own tables and trials.
enum Whose : uint8_t { LIBRARY, USER, OURS, ASIDE, GENERATOR, IMPORT };

struct State {
  std::shared_mutex lock;  // of the two maps of codes
  std::unordered_map<PyCodeObject*, uint8_t> codes;
  std::mutex rows_lock;  // of what is below
  std::unordered_map<const void*, struct Generator*> generators;
  std::vector<struct Row> rows;
  std::unordered_map<uint64_t, uint32_t> counts;  // rows of a generator at a line
  std::unordered_map<unsigned long, int> threads;
  std::atomic<uint32_t> epoch{1};  // a step ends every row that goes on
  std::atomic<bool> on{false};
  uint32_t made = 0;
  bool whole = false;     // every row is kept
  int64_t step = 0;
  PyObject* classify = nullptr;  // code -> one of Whose
  PyObject* position = nullptr;  // -> how many events the main thread has recorded; None before there are any
  PyObject* waiting = nullptr;   // called by and by in the main thread, after a row began
};
State* s = new State;

uint8_t ask(PyCodeObject* code) {
  {
    std::shared_lock<std::shared_mutex> hold(s->lock);
    auto it = s->codes.find(code);
    if (it != s->codes.end()) return it->second;
  }
  Gil gil;
  Quiet quiet;
  uint8_t whose = LIBRARY;
  if (PyObject* answer = PyObject_CallOneArg(s->classify, (PyObject*)code)) {
    long number = PyLong_AsLong(answer);
    whose = number > 0 && number <= IMPORT ? uint8_t(number) : LIBRARY;
    Py_DECREF(answer);
  }
  Py_INCREF(code);  // its address names it from now on
  std::unique_lock<std::shared_mutex> hold(s->lock);
  if (!s->codes.try_emplace(code, whose).second) Py_DECREF(code);
  return whose;
}

uint8_t whose(PyCodeObject* code) {
  struct Entry {
    PyCodeObject* code;
    uint8_t whose;
  };
  static thread_local Entry cache[512];
  Entry& e = cache[(uintptr_t(code) >> 5) & 511];
  if (e.code != code) e = {code, ask(code)};
  return e.whose;
}

struct At {
  PyFrame* frame = nullptr;  // the nearest of the user
  PyCodeObject* code = nullptr;
  int lasti = -1;
  PyFrame* inner = nullptr;  // the library's frame that it called, and what that one called
  PyFrame* second = nullptr;
  bool aside = false, importing = false;
};

At nearest() {
  At at;
  bool drawer = false;  // whoever draws has been met: what lies between that and the user is of no matter
  for (PyFrame* f = top_frame(); f; f = frame_back(f)) {
    PyCodeObject* code = frame_code(f);
    if (!code) continue;
    uint8_t w = whose(code);
    if (w == USER) {
      at.frame = f;
      at.code = code;
      at.lasti = frame_lasti(f, code);
      return at;
    }
    if (w == OURS) continue;
    if (w == ASIDE && !drawer) {
      at.aside = true;
      break;
    }
    drawer |= w != GENERATOR;
    at.importing |= w == IMPORT;
    at.second = at.inner;
    at.inner = f;
  }
  at.inner = nullptr;
  return at;
}

// "module.Class.method" of what the user called, or of what a decorator's wrapper there calls; the GIL's holder
// asks.  A new reference, or None.
PyObject* called(const At& at) {
  PyFrame* f = at.inner;
  PyCodeObject* code = f ? frame_code(f) : nullptr;
  if (!code) Py_RETURN_NONE;
  if (at.importing) return PyUnicode_FromString("importlib");
  const char* name = PyUnicode_AsUTF8(code->co_qualname);
  if (!name) PyErr_Clear();
  if (name && std::strstr(name, "<locals>") && at.second && frame_code(at.second)) {
    f = at.second;
    code = frame_code(f);
  }
  PyObject* globals = frame_globals(f);
  PyObject* module = globals && PyDict_Check(globals) ? PyDict_GetItemString(globals, "__name__") : nullptr;
  PyObject* text = module && PyUnicode_Check(module) ? PyUnicode_FromFormat("%U.%U", module, code->co_qualname)
                                                     : PyUnicode_FromFormat("%U", code->co_qualname);
  if (text) return text;
  PyErr_Clear();
  Py_RETURN_NONE;
}

// --- generators, and who draws

enum Kind : uint8_t { PYTHON, MT19937, PCG64, PCG64DXSM, PHILOX, SFC64, KINDS };
constexpr const char* NAMES[KINDS] = {"Random", "MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"};

struct Generator {
  uint32_t id = 0;
  Kind kind = PYTHON;
  const void* state = nullptr;
  uint64_t n = 0;  // numbers drawn so far
  // The row that goes on.
  uint32_t epoch = 0;
  PyCodeObject* code = nullptr;
  int lasti = 0;
  unsigned long thread = 0;
  int loader = 0;
  // Rows that are kept beyond the limit.
  uint32_t spare = 0, spared = 0;
  void seeded() {
    epoch = 0;  // ends the row that goes on
    spare = AFTER_SEED;
  }
};

struct Row {
  uint32_t id;
  Kind kind;
  PyCodeObject* code;
  int line;
  PyObject* by;
  int thread;
  uint64_t state, n;
  int64_t at, step;
  int loader;
};

// The number of the DataLoader whose samples this thread makes; 0: it makes none.
thread_local int loader = 0;

uint64_t digest(Kind kind, const void* state) {
  auto bytes = static_cast<const uint8_t*>(state);
  auto at = [&](size_t offset) {
    const void* p;
    std::memcpy(&p, bytes + offset, sizeof p);
    return p;
  };
  uint64_t h = GOLDEN + kind;
  switch (kind) {
    case PYTHON:  // int index; uint32_t state[624]
    case MT19937: return fmix(hash(bytes, 625 * 4, h)) | 1;
    case PCG64:
    case PCG64DXSM: {  // pcg_random_t*; int has_uint32; uint32_t uinteger
      h = hash(at(0), 32, h);
      return fmix(hash(bytes + sizeof(void*), 8, h)) | 1;
    }
    case PHILOX: {  // ctr*, key*; int buffer_pos; uint64_t buffer[4]; int has_uint32; uint32_t uinteger
      h = hash(at(0), 32, h);
      h = hash(at(sizeof(void*)), 16, h);
      h = hash(bytes + 2 * sizeof(void*), 4, h);
      return fmix(hash(bytes + 2 * sizeof(void*) + 8, 40, h)) | 1;
    }
    default: return fmix(hash(bytes, 40, h)) | 1;  // SFC64: uint64_t s[4]; int has_uint32; uint32_t uinteger
  }
}

// The generator with this state; one that was never seen is as old as its first draw.
Generator* generator(const void* state, Kind kind) {
  struct Entry {
    const void* state;
    Generator* generator;
  };
  static thread_local Entry last;
  if (last.state == state) return last.generator;
  std::lock_guard<std::mutex> hold(s->rows_lock);
  Generator*& found = s->generators[state];
  if (!found) found = new Generator{++s->made, kind, state};
  last = {state, found};
  return found;
}

// A generator is made in this place: whatever had its memory before is gone.
Generator* anew(const void* state, Kind kind) {
  uint32_t before = s->made;
  Generator* g = generator(state, kind);
  *g = Generator{s->made == before ? ++s->made : s->made, kind, state};
  return g;
}

int wake(void*) {
  Quiet quiet;
  if (s->on && s->waiting) Py_XDECREF(PyObject_CallNoArgs(s->waiting));
  return 0;
}

void begin(Generator* g, const At& at, unsigned long thread, uint64_t n) {
  g->epoch = s->epoch.load(std::memory_order_relaxed);
  g->code = at.code;
  g->lasti = at.lasti;
  g->thread = thread;
  g->loader = loader;
  if (at.aside || at.importing) return;
  uint64_t place = fmix(uint64_t(uintptr_t(at.code)) + GOLDEN * (uint64_t(at.lasti) + (uint64_t(g->id) << 32)));
  {
    std::lock_guard<std::mutex> hold(s->rows_lock);
    bool spare = g->spare && g->spared < AFTER_SEEDS;
    if (g->spare) --g->spare;
    if (++s->counts[place] > CAP && !s->whole) {
      if (!spare) return;
      ++g->spared;
    }
  }
  uint64_t state = digest(g->kind, g->state);
  Gil gil;
  Quiet quiet;
  int64_t position = 0;
  if (s->position) {
    PyObject* number = PyObject_CallNoArgs(s->position);
    if (number) position = PyLong_AsLongLong(number);
    Py_XDECREF(number);
    PyErr_Clear();
  }
  PyObject* by = called(at);
  int line = at.code ? PyCode_Addr2Line(at.code, at.lasti) : 0;
  std::lock_guard<std::mutex> hold(s->rows_lock);
  int number = s->threads.try_emplace(thread, int(s->threads.size())).first->second;
  s->rows.push_back({g->id, g->kind, at.code, line, by, number, state, n, position, s->step, loader});
  if (s->rows.size() == 1) Py_AddPendingCall(wake, nullptr);
}

inline void note(Generator* g) {
  uint64_t n = g->n++;
  if (!s->on.load(std::memory_order_relaxed)) return;
  At at = nearest();
  unsigned long thread = PyThread_get_thread_ident();
  if (g->epoch == s->epoch.load(std::memory_order_relaxed) && g->code == at.code && g->lasti == at.lasti &&
      g->thread == thread && g->loader == loader)
    return;
  begin(g, at, thread, n);
}

// --- numpy's bit generators

struct Table {  // numpy/random/bitgen.h
  void* state;
  uint64_t (*next_uint64)(void*);
  uint32_t (*next_uint32)(void*);
  double (*next_double)(void*);
  uint64_t (*next_raw)(void*);
};
Table originals[KINDS];
initproc inits[KINDS];
PyObject* made_callback = nullptr;  // (object, name, id, args, kwargs)

template <int K>
struct Taken {
  static uint64_t uint64(void* state) {
    note(generator(state, Kind(K)));
    return originals[K].next_uint64(state);
  }
  static uint32_t uint32(void* state) {
    note(generator(state, Kind(K)));
    return originals[K].next_uint32(state);
  }
  static double real(void* state) {
    note(generator(state, Kind(K)));
    return originals[K].next_double(state);
  }
  static uint64_t raw(void* state) {
    note(generator(state, Kind(K)));
    return originals[K].next_raw(state);
  }
  static int init(PyObject* self, PyObject* args, PyObject* kwargs);
};

Table* table(PyObject* self) {
  PyObject* capsule = PyObject_GetAttrString(self, "capsule");
  if (!capsule) return nullptr;
  void* found = PyCapsule_GetPointer(capsule, "BitGenerator");
  Py_DECREF(capsule);
  return static_cast<Table*>(found);
}

template <int K>
Generator* take(PyObject* self) {
  Table* t = table(self);
  if (!t) return nullptr;
  if (t->next_uint64 != Taken<K>::uint64) {
    originals[K] = *t;
    t->next_uint64 = Taken<K>::uint64;
    t->next_uint32 = Taken<K>::uint32;
    t->next_double = Taken<K>::real;
    t->next_raw = Taken<K>::raw;
  }
  return anew(t->state, Kind(K));
}

// Tells Python; what a signal's handler raises goes on, anything else is our own fault and passed over.
bool tell(PyObject* callback, PyObject* arguments) {
  if (!arguments) return PyErr_Clear(), true;
  PyObject* done = callback ? PyObject_Call(callback, arguments, nullptr) : Py_NewRef(Py_None);
  Py_DECREF(arguments);
  if (!done && PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_Exception)) return false;
  PyErr_Clear();
  Py_XDECREF(done);
  return true;
}

template <int K>
int Taken<K>::init(PyObject* self, PyObject* args, PyObject* kwargs) {
  int code = inits[K](self, args, kwargs);
  if (code || !s->on.load(std::memory_order_relaxed)) return code;
  Generator* g = take<K>(self);
  if (!g) return PyErr_Clear(), 0;
  PyObject* said = Py_BuildValue("(OsIOO)", self, NAMES[K], g->id, args, kwargs ? kwargs : Py_None);
  return tell(made_callback, said) ? 0 : -1;
}

template <int... K>
PyObject* type_taken(std::integer_sequence<int, K...>, PyTypeObject* type) {
  static const initproc ours[] = {Taken<K>::init...};
  for (int k = MT19937; k < KINDS; ++k) {
    const char* dot = std::strrchr(type->tp_name, '.');
    if (std::strcmp(dot ? dot + 1 : type->tp_name, NAMES[k])) continue;
    if (type->tp_init == ours[k]) Py_RETURN_TRUE;
    inits[k] = type->tp_init;
    type->tp_init = ours[k];
    Py_RETURN_TRUE;
  }
  Py_RETURN_FALSE;
}

// --- Python's

PyCFunction python_random, python_getrandbits;

Generator* of_python(PyObject* self) { return generator(reinterpret_cast<char*>(self) + sizeof(PyObject), PYTHON); }

PyObject* random_taken(PyObject* self, PyObject* none) {
  note(of_python(self));
  return python_random(self, none);
}

PyObject* getrandbits_taken(PyObject* self, PyObject* k) {
  note(of_python(self));
  return python_getrandbits(self, k);
}

// --- any C method, which Python then is told of

constexpr int MOST = 32;
struct Watch {
  PyMethodDef* def = nullptr;
  PyCFunction original = nullptr;
  PyObject* callback = nullptr;  // (self, args, result, id of a generator of Python's or 0)
  bool once = false;             // once for each line of code that calls
};
Watch watches[MOST];
int watched = 0;
std::unordered_map<uint64_t, int>* seen = new std::unordered_map<uint64_t, int>;

PyObject* told(const Watch& w, PyObject* self, PyObject* args, PyObject* result) {
  if (!result) {
    Py_XDECREF(args);
    return nullptr;
  }
  PyObject* said = args ? Py_BuildValue("(ONO)", self ? self : Py_None, args, result) : nullptr;
  if (!tell(w.callback, said)) Py_CLEAR(result);
  return result;
}

// Whether the caller has been here before; holds the GIL.
bool passed(const Watch& w) {
  if (!s->on.load(std::memory_order_relaxed)) return true;
  if (!w.once) return false;
  PyFrame* f = top_frame();
  while (f && !frame_code(f)) f = frame_back(f);
  if (!f) return true;
  PyCodeObject* code = frame_code(f);
  uint64_t key = fmix(uint64_t(uintptr_t(code)) + GOLDEN * uint64_t(&w - watches));
  return !seen->try_emplace(key, 0).second;
}

PyObject* packed(PyObject* const* args, Py_ssize_t n) {
  PyObject* tuple = PyTuple_New(n);
  for (Py_ssize_t i = 0; tuple && i < n; ++i) PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
  return tuple;
}

using Fast = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t);
using FastWords = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*);
using Words = PyObject* (*)(PyObject*, PyObject*, PyObject*);

template <int I>
struct Method {
  static PyObject* none(PyObject* self, PyObject* arg) {
    PyObject* result = watches[I].original(self, arg);
    return passed(watches[I]) ? result : told(watches[I], self, PyTuple_New(0), result);
  }
  static PyObject* one(PyObject* self, PyObject* arg) {
    PyObject* result = watches[I].original(self, arg);
    return passed(watches[I]) ? result : told(watches[I], self, PyTuple_Pack(1, arg), result);
  }
  static PyObject* tuple(PyObject* self, PyObject* args) {
    PyObject* result = watches[I].original(self, args);
    return passed(watches[I]) ? result : told(watches[I], self, Py_XNewRef(args), result);
  }
  static PyObject* words(PyObject* self, PyObject* args, PyObject* kwargs) {
    PyObject* result = ((Words)(void*)watches[I].original)(self, args, kwargs);
    return passed(watches[I]) ? result : told(watches[I], self, Py_XNewRef(args), result);
  }
  static PyObject* fast(PyObject* self, PyObject* const* args, Py_ssize_t n) {
    PyObject* result = ((Fast)(void*)watches[I].original)(self, args, n);
    return passed(watches[I]) ? result : told(watches[I], self, packed(args, n), result);
  }
  static PyObject* fast_words(PyObject* self, PyObject* const* args, Py_ssize_t n, PyObject* names) {
    PyObject* result = ((FastWords)(void*)watches[I].original)(self, args, n, names);
    Py_ssize_t all = n + (names ? PyTuple_GET_SIZE(names) : 0);
    return passed(watches[I]) ? result : told(watches[I], self, packed(args, all), result);
  }
};

template <int... I>
PyCFunction stand_in(std::integer_sequence<int, I...>, int index, int flags) {
  static const std::array<std::array<PyCFunction, 6>, MOST> all = {
      {{Method<I>::none, Method<I>::one, Method<I>::tuple, (PyCFunction)(void*)Method<I>::words,
        (PyCFunction)(void*)Method<I>::fast, (PyCFunction)(void*)Method<I>::fast_words}...}};
  switch (flags & (METH_NOARGS | METH_O | METH_VARARGS | METH_KEYWORDS | METH_FASTCALL | METH_METHOD)) {
    case METH_NOARGS: return all[index][0];
    case METH_O: return all[index][1];
    case METH_VARARGS: return all[index][2];
    case METH_VARARGS | METH_KEYWORDS: return all[index][3];
    case METH_FASTCALL: return all[index][4];
    case METH_FASTCALL | METH_KEYWORDS: return all[index][5];
    default: return nullptr;
  }
}

// The table entry that a C function or method is called by, whoever holds it; null for what is none.
PyMethodDef* definition(PyObject* function, const char* name) {
  PyMethodDef* def = nullptr;
  if (Py_TYPE(function) == &PyMethodDescr_Type) def = reinterpret_cast<PyMethodDescrObject*>(function)->d_method;
  else if (PyCFunction_Check(function) || std::strstr(Py_TYPE(function)->tp_name, "cython_function_or_method"))
    def = reinterpret_cast<PyCFunctionObject*>(function)->m_ml;  // a Cython function begins as a built-in one
  return def && def->ml_name && !std::strcmp(def->ml_name, name) ? def : nullptr;
}

// --- the module

// watch(function, name, callback, once): whether it can be
PyObject* py_watch(PyObject*, PyObject* args) {
  PyObject *function, *callback;
  const char* name;
  int once;
  if (!PyArg_ParseTuple(args, "OsOp", &function, &name, &callback, &once)) return nullptr;
  PyMethodDef* def = definition(function, name);
  if (!def || watched == MOST) Py_RETURN_FALSE;
  for (int i = 0; i < watched; ++i)
    if (watches[i].def == def) Py_RETURN_TRUE;
  PyCFunction ours = stand_in(std::make_integer_sequence<int, MOST>{}, watched, def->ml_flags);
  if (!ours) Py_RETURN_FALSE;
  watches[watched++] = {def, def->ml_meth, Py_NewRef(callback), bool(once)};
  def->ml_meth = ours;
  Py_RETURN_TRUE;
}

// python(random, getrandbits): take over the two methods that draw; whether they can be
PyObject* py_python(PyObject*, PyObject* args) {
  PyObject *random, *getrandbits;
  if (!PyArg_ParseTuple(args, "OO", &random, &getrandbits)) return nullptr;
  PyMethodDef *a = definition(random, "random"), *b = definition(getrandbits, "getrandbits");
  if (!a || !b || a->ml_flags != METH_NOARGS || b->ml_flags != METH_O) Py_RETURN_FALSE;
  if (a->ml_meth != random_taken) {
    python_random = a->ml_meth;
    python_getrandbits = b->ml_meth;
    a->ml_meth = random_taken;
    b->ml_meth = getrandbits_taken;
  }
  Py_RETURN_TRUE;
}

// seeded(object, again): the number of a generator of Python's that was just seeded; a new one unless `again`
PyObject* py_seeded(PyObject*, PyObject* args) {
  PyObject* object;
  int again;
  if (!PyArg_ParseTuple(args, "Op", &object, &again)) return nullptr;
  const void* state = reinterpret_cast<char*>(object) + sizeof(PyObject);
  Generator* g = again ? of_python(object) : anew(state, PYTHON);
  g->seeded();
  return PyLong_FromUnsignedLong(g->id);
}

// number(bit generator): the number of a generator of numpy's that was just seeded; 0: it was made before
PyObject* py_number(PyObject*, PyObject* object) {
  Table* t = table(object);
  if (!t) return PyErr_Clear(), PyLong_FromLong(0);
  std::lock_guard<std::mutex> hold(s->rows_lock);
  auto it = s->generators.find(t->state);
  if (it == s->generators.end()) return PyLong_FromLong(0);
  it->second->seeded();
  return PyLong_FromUnsignedLong(it->second->id);
}

// bit_generator(type, callback): take over every generator of a type from when it is made; whether it is known
PyObject* py_bit_generator(PyObject*, PyObject* args) {
  PyObject *type, *callback;
  if (!PyArg_ParseTuple(args, "O!O", &PyType_Type, &type, &callback)) return nullptr;
  Py_XSETREF(made_callback, Py_NewRef(callback));
  return type_taken(std::make_integer_sequence<int, KINDS>{}, reinterpret_cast<PyTypeObject*>(type));
}

// site(): (code, line, called) of the nearest line of the user's in this thread; None: there is none;
// False: what is done there is of no account
PyObject* py_site(PyObject*, PyObject*) {
  At at = nearest();
  if (at.aside) Py_RETURN_FALSE;
  if (!at.code) Py_RETURN_NONE;
  return Py_BuildValue("(OiN)", at.code, PyCode_Addr2Line(at.code, at.lasti), called(at));
}

// start(classify, waiting), stop()
PyObject* py_start(PyObject*, PyObject* args) {
  PyObject *classify, *waiting;
  if (!PyArg_ParseTuple(args, "OO", &classify, &waiting)) return nullptr;
  Py_XSETREF(s->classify, Py_NewRef(classify));
  Py_XSETREF(s->waiting, Py_NewRef(waiting));
  s->threads.try_emplace(PyThread_get_thread_ident(), 0);
  s->on = true;
  Py_RETURN_NONE;
}

PyObject* py_stop(PyObject*, PyObject*) {
  s->on = false;
  Py_RETURN_NONE;
}

// at(position): how to learn the position from now on
PyObject* py_at(PyObject*, PyObject* position) {
  Py_XSETREF(s->position, Py_NewRef(position));
  Py_RETURN_NONE;
}

// step(number, whole)
PyObject* py_step(PyObject*, PyObject* args) {
  long long step;
  int whole;
  if (!PyArg_ParseTuple(args, "Lp", &step, &whole)) return nullptr;
  std::lock_guard<std::mutex> hold(s->rows_lock);
  ++s->epoch;
  s->step = step;
  s->whole = whole;
  Py_RETURN_NONE;
}

// loading(number): whose samples this thread makes from now on -> whose it made
PyObject* py_loading(PyObject*, PyObject* number) {
  int before = loader;
  loader = int(PyLong_AsLong(number));
  if (PyErr_Occurred()) return nullptr;
  return PyLong_FromLong(before);
}

// rows(): what was drawn since: (id, kind, code, line, called, thread, state, n, position, step, loader)
PyObject* py_rows(PyObject*, PyObject*) {
  std::vector<Row> rows;
  {
    std::lock_guard<std::mutex> hold(s->rows_lock);
    rows.swap(s->rows);
  }
  PyObject* list = PyList_New(0);
  for (auto& r : rows) {
    PyObject* row = list ? Py_BuildValue("(IsOiNiKKLLi)", r.id, NAMES[r.kind],
                                         r.code ? (PyObject*)r.code : Py_None, r.line, r.by, r.thread,
                                         (unsigned long long)r.state, (unsigned long long)r.n, (long long)r.at,
                                         (long long)r.step, r.loader)
                         : nullptr;
    if (!row || PyList_Append(list, row)) Py_CLEAR(list);
    Py_XDECREF(row);
  }
  return list;
}

// after_fork(): in the child; what the parent noted is the parent's
PyObject* py_after_fork(PyObject*, PyObject*) {
  s->rows.clear();
  s->counts.clear();
  s->threads.clear();
  s->threads.try_emplace(PyThread_get_thread_ident(), 0);
  ++s->epoch;
  s->step = 0;
  loader = 0;
  Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"watch", py_watch, METH_VARARGS, nullptr},
    {"python", py_python, METH_VARARGS, nullptr},
    {"seeded", py_seeded, METH_VARARGS, nullptr},
    {"number", py_number, METH_O, nullptr},
    {"bit_generator", py_bit_generator, METH_VARARGS, nullptr},
    {"site", py_site, METH_NOARGS, nullptr},
    {"start", py_start, METH_VARARGS, nullptr},
    {"stop", py_stop, METH_NOARGS, nullptr},
    {"at", py_at, METH_O, nullptr},
    {"step", py_step, METH_VARARGS, nullptr},
    {"loading", py_loading, METH_O, nullptr},
    {"rows", py_rows, METH_NOARGS, nullptr},
    {"after_fork", py_after_fork, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition_of_module = {PyModuleDef_HEAD_INIT, "_draws", nullptr, -1, methods, nullptr, nullptr, nullptr, nullptr};

}  // namespace
}  // namespace samebits

// A fork copies the locks as they are: nobody else may hold one then.  Who holds one waits for nothing.
#ifndef _WIN32
namespace {
void before_fork() {
  samebits::s->lock.lock();
  samebits::s->rows_lock.lock();
}
void after_fork_in_parent() {
  samebits::s->rows_lock.unlock();
  samebits::s->lock.unlock();
}
void after_fork_in_child() {  // where their holder, by its number, is somebody else
  new (&samebits::s->rows_lock) std::mutex;
  new (&samebits::s->lock) std::shared_mutex;
}
}  // namespace
#endif

PyMODINIT_FUNC PyInit__draws() {
#ifndef _WIN32
  static const int registered = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  (void)registered;
#endif
  return PyModule_Create(&samebits::definition_of_module);
}
