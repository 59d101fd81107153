// The Python face of the observer: module `_observer`.  Every function holds the GIL.
#pragma once

namespace samebits {
namespace {

PyObject* fail(const std::exception& e) {
  PyErr_SetString(PyExc_RuntimeError, e.what());
  return nullptr;
}
#define SAMEBITS_TRY try {
#define SAMEBITS_END            \
  }                             \
  catch (const std::exception& e) { \
    return fail(e);             \
  }

bool strings(PyObject* sequence, std::vector<std::string>& into) {
  PyObject* fast = PySequence_Fast(sequence, "a sequence of strings is needed");
  if (!fast) return false;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast); ++i) {
    const char* s = PyUnicode_AsUTF8(PySequence_Fast_GET_ITEM(fast, i));
    if (!s) {
      Py_DECREF(fast);
      return false;
    }
    into.emplace_back(s);
  }
  Py_DECREF(fast);
  return true;
}

const at::Tensor* tensor(PyObject* o) {
  if (!THPVariable_Check(o)) {
    PyErr_SetString(PyExc_TypeError, "a torch.Tensor is needed");
    return nullptr;
  }
  return &THPVariable_Unpack(o);
}

// setup(torch_prefixes, library_prefixes, module_call_code, module_name, place, flush)
PyObject* py_setup(PyObject*, PyObject* args) {
  PyObject *torch_prefixes, *library_prefixes, *code, *name, *where, *flush;
  if (!PyArg_ParseTuple(args, "OOO!OOO", &torch_prefixes, &library_prefixes, &PyCode_Type, &code, &name, &where, &flush)) return nullptr;
  g->torch_prefixes.clear();
  g->library_prefixes.clear();
  if (!strings(torch_prefixes, g->torch_prefixes) || !strings(library_prefixes, g->library_prefixes)) return nullptr;
  Py_INCREF(code);
  Py_INCREF(name);
  g->module_call = reinterpret_cast<PyCodeObject*>(code);
  Py_INCREF(flush);
  g->module_name = name;
  Py_INCREF(where);
  g->where = where;
  g->flush = flush;
  this_thread();  // the thread that sets up is thread 0
  Py_RETURN_NONE;
}

// operations(on): observe every operation, in every thread
PyObject* py_operations(PyObject*, PyObject* arg) {
  int on = PyObject_IsTrue(arg);
  if (on < 0) return nullptr;
  SAMEBITS_TRY
  if (on && !g->ops_on) {
    g->function_handle = at::addGlobalCallback(at::RecordFunctionCallback(&on_start, &on_end)
                                                   .needsInputs(true)
                                                   .needsOutputs(true)
                                                   .scopes({at::RecordScope::FUNCTION}));
    // Without inputs: holding a node's inputs would change which gradients autograd may steal.
    g->backward_handle = at::addGlobalCallback(at::RecordFunctionCallback(&on_backward_start, &on_backward_end)
                                                   .scopes({at::RecordScope::BACKWARD_FUNCTION}));
  } else if (!on && g->ops_on) {
    at::removeCallback(g->function_handle);
    at::removeCallback(g->backward_handle);
  }
  g->ops_on = on;
  Py_RETURN_NONE;
  SAMEBITS_END
}

// draws(n): see which of the next n operations draw, in every thread, where operations are no events
PyObject* py_draws(PyObject*, PyObject* arg) {
  long n = PyLong_AsLong(arg);
  if (PyErr_Occurred()) return nullptr;
  SAMEBITS_TRY
  const bool on = n > 0;
  g->draws_left = n;
  if (on && !g->draws_on) {
    g->draw_handle = at::addGlobalCallback(at::RecordFunctionCallback(&on_draw_start, &on_draw_end)
                                               .needsInputs(true)
                                               .scopes({at::RecordScope::FUNCTION}));
  } else if (!on && g->draws_on) {
    at::removeCallback(g->draw_handle);
  }
  g->draws_on = on;
  Py_RETURN_NONE;
  SAMEBITS_END
}

// loading(number): whose samples this thread makes from now on -> whose it made
PyObject* py_loading(PyObject*, PyObject* number) {
  int before = loading;
  loading = int(PyLong_AsLong(number));
  if (PyErr_Occurred()) return nullptr;
  return PyLong_FromLong(before);
}

// zoom(on, capture_bytes, share=0): also digest inputs and generator states, and keep outputs up to a budget,
// of which an output in memory may take a share-th part of what is left
PyObject* py_zoom(PyObject*, PyObject* args) {
  int on;
  long long bytes, share = 0;
  if (!PyArg_ParseTuple(args, "pL|L", &on, &bytes, &share)) return nullptr;
  g->zoom = bool(on);
  g->capture_left = bytes;
  g->capture_share = share;
  Py_RETURN_NONE;
}

// timed(on): measure from here on what observing operations takes
PyObject* py_timed(PyObject*, PyObject* arg) {
  int on = PyObject_IsTrue(arg);
  if (on < 0) return nullptr;
  g->timed = on;
  g->spent = {};
  Py_RETURN_NONE;
}
// spent() -> seconds
PyObject* py_spent(PyObject*, PyObject*) { return PyFloat_FromDouble(std::chrono::duration<double>(g->spent).count()); }

PyObject* py_suspend(PyObject*, PyObject*) { return PyLong_FromLong(++this_thread()->suspended); }
PyObject* py_resume(PyObject*, PyObject*) { return PyLong_FromLong(--this_thread()->suspended); }
PyObject* py_phase(PyObject*, PyObject* arg) {
  long p = PyLong_AsLong(arg);
  if (p == -1 && PyErr_Occurred()) return nullptr;
  Thread* t = this_thread();
  long old = t->phase;
  t->phase = uint8_t(p);
  return PyLong_FromLong(old);
}

PyObject* py_intern(PyObject*, PyObject* arg) {
  const char* s = PyUnicode_AsUTF8(arg);
  if (!s) return nullptr;
  return PyLong_FromUnsignedLong(intern(s));
}

PyObject* py_site(PyObject*, PyObject*) { return PyLong_FromUnsignedLong(place().site); }

// site_of(file, line, function) -> id, for a place found by other means
PyObject* py_site_of(PyObject*, PyObject* args) {
  const char *file, *function;
  int line;
  if (!PyArg_ParseTuple(args, "sis", &file, &line, &function)) return nullptr;
  std::string text = std::string(file) + '\n' + std::to_string(line) + '\n' + function;
  std::unique_lock<std::shared_mutex> hold(g->lock);
  auto [it, fresh] = g->explicit_sites.try_emplace(text, uint32_t(g->sites.size()));
  if (fresh) {
    g->sites.push_back({nullptr, 0});
    g->site_texts.push_back(text);
  }
  return PyLong_FromUnsignedLong(it->second);
}

Event event_here(Thread* t, int kind, unsigned name, long long site, int phase, int flags) {
  Event e;
  e.kind = uint8_t(kind);
  e.name = name;
  e.flags = uint8_t(flags);
  if (!t->backward.empty()) {
    const BackwardScope& node = t->backward.back();
    e.site = node.site;
    e.module = node.module;
    e.node = node.node;
  }
  if (site >= 0) {
    e.site = uint32_t(site);
  } else if (t->backward.empty()) {
    Place p = place();
    e.site = p.site;
    e.module = p.module;
  }
  e.phase = uint8_t(phase >= 0 ? phase : phase_now(t, kind == REGION));
  return e;
}

// push(kind, name, digest, site, phase, flags); site < 0: the running line, phase < 0: the thread's
PyObject* py_push(PyObject*, PyObject* args) {
  int kind, phase, flags;
  unsigned name;
  unsigned long long digest;
  long long site;
  if (!PyArg_ParseTuple(args, "iIKLii", &kind, &name, &digest, &site, &phase, &flags)) return nullptr;
  Thread* t = this_thread();
  Event e = event_here(t, kind, name, site, phase, flags);
  e.digest = digest;
  put(t, e);
  Py_RETURN_NONE;
}

// push_tensors(kind, names, tensors, site, phase): an event per tensor; None is a PARTIAL event
PyObject* py_push_tensors(PyObject*, PyObject* args) {
  int kind, phase;
  long long site;
  PyObject *names, *tensors;
  if (!PyArg_ParseTuple(args, "iO!O!Li", &kind, &PyList_Type, &names, &PyList_Type, &tensors, &site, &phase)) return nullptr;
  if (PyList_GET_SIZE(names) != PyList_GET_SIZE(tensors)) {
    PyErr_SetString(PyExc_ValueError, "names and tensors differ in length");
    return nullptr;
  }
  Thread* t = this_thread();
  SAMEBITS_TRY
  Quiet quiet(t);
  Event e = event_here(t, kind, 0, site, phase, 0);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(names); ++i) {
    unsigned long name = PyLong_AsUnsignedLong(PyList_GET_ITEM(names, i));
    if (name == (unsigned long)-1 && PyErr_Occurred()) return nullptr;
    PyObject* o = PyList_GET_ITEM(tensors, i);
    e.name = uint32_t(name);
    e.flags = 0;
    if (o == Py_None) {
      e.flags = PARTIAL;
      e.digest = 0;
      e.norm = NAN;
      put(t, e);
      continue;
    }
    const at::Tensor* x = tensor(o);
    if (!x) return nullptr;
    Sum sum;
    sum.add(*x);
    bool normed = (kind == GRADIENT || kind == PARAMETER) && has_norm(*x);
    e.norm = normed && x->is_cpu() ? cpu_norm(x->detach()) : NAN;
    put(t, e, sum, normed && !x->is_cpu() ? device_norm(*x) : at::Tensor());
  }
  Py_RETURN_NONE;
  SAMEBITS_END
}

// digest(tensor) -> int, waiting for the device if it must
PyObject* py_digest(PyObject*, PyObject* args) {
  PyObject* o;
  int eager = 0;
  if (!PyArg_ParseTuple(args, "O|p", &o, &eager)) return nullptr;
  const at::Tensor* x = tensor(o);
  if (!x) return nullptr;
  SAMEBITS_TRY
  at::DisableRecordFunctionGuard off;
  at::NoGradGuard no_grad;
  if (eager && has_bytes(*x)) return PyLong_FromUnsignedLongLong(uint64_t(device_digest(*x).item<int64_t>()));
  Sum sum;
  sum.add(*x);
  return PyLong_FromUnsignedLongLong(sum.device.defined() ? uint64_t(sum.device.item<int64_t>()) : sum.host);
  SAMEBITS_END
}

// digest_bytes(buffer) -> int: raw bytes, as a uint8 tensor of one dimension
PyObject* py_digest_bytes(PyObject*, PyObject* arg) {
  Py_buffer b;
  if (PyObject_GetBuffer(arg, &b, PyBUF_SIMPLE) < 0) return nullptr;
  int64_t n = b.len;
  uint64_t h = finish(digest_rows(static_cast<const uint8_t*>(b.buf), size_t(n), 0, row_count(size_t(n))), size_t(n), 0, &n, 1);
  PyBuffer_Release(&b);
  return PyLong_FromUnsignedLongLong(h);
}

// tier(name): use one implementation of the digest, for tests; false where this machine lacks it
PyObject* py_tier(PyObject*, PyObject* arg) {
  const char* text = PyUnicode_AsUTF8(arg);
  if (!text) return nullptr;
  std::string name = text;
  if (name == "auto") words() = pick_words();
  else if (name == "plain") words() = words_plain;
#ifdef SAMEBITS_X86
  else if (name == "avx2" && __builtin_cpu_supports("avx2")) words() = words_avx2;
  else if (name == "avx512" && __builtin_cpu_supports("avx512f")) words() = words_avx512;
#endif
  else Py_RETURN_FALSE;
  Py_RETURN_TRUE;
}

PyObject* py_position(PyObject*, PyObject*) {
  Thread* t = this_thread();
  return PyLong_FromUnsignedLongLong(t->start + t->events.size());
}

void forget(PyObject* module) {
  std::unique_lock<std::shared_mutex> hold(g->lock);
  g->modules.erase(module);
}
// forget(address): a module died; its address may be used again
PyObject* py_forget(PyObject*, PyObject* arg) {
  void* p = PyLong_AsVoidPtr(arg);
  if (PyErr_Occurred()) return nullptr;
  forget(static_cast<PyObject*>(p));
  Py_RETURN_NONE;
}

template <typename T, typename F>
PyObject* column(const std::vector<Event>& events, F&& field) {
  PyObject* bytes = PyBytes_FromStringAndSize(nullptr, Py_ssize_t(events.size() * sizeof(T)));
  if (!bytes) return nullptr;
  T* p = reinterpret_cast<T*>(PyBytes_AS_STRING(bytes));
  for (const Event& e : events) *p++ = T(field(e));
  return bytes;
}

PyObject* chunk(Thread* t, std::vector<Event>& events, uint64_t start) {
  bool inputs = false, generators = false, sources = false;
  for (const Event& e : events) {
    inputs |= e.inputs != 0;
    generators |= e.generator != 0;
    sources |= e.source != 0;
  }
  auto none = [] {
    Py_INCREF(Py_None);
    return Py_None;
  };
  std::vector<double> norms;
  bool known = false;
  for (const Event& e : events) {
    if (e.kind != GRADIENT && e.kind != PARAMETER) continue;
    norms.push_back(e.norm);
    known |= !std::isnan(e.norm);
  }
  return Py_BuildValue(
      "(IKnNNNNNNNNNNNN)", t->ordinal, (unsigned long long)start, Py_ssize_t(events.size()),
      column<uint8_t>(events, [](const Event& e) { return e.kind; }),
      column<uint8_t>(events, [](const Event& e) { return e.phase; }),
      column<uint8_t>(events, [](const Event& e) { return e.flags; }),
      column<uint32_t>(events, [](const Event& e) { return e.name; }),
      column<uint32_t>(events, [](const Event& e) { return e.site; }),
      column<uint32_t>(events, [](const Event& e) { return e.module; }),
      column<uint32_t>(events, [](const Event& e) { return e.node; }),
      column<uint64_t>(events, [](const Event& e) { return e.digest; }),
      inputs ? column<uint64_t>(events, [](const Event& e) { return e.inputs; }) : none(),
      generators ? column<uint64_t>(events, [](const Event& e) { return e.generator; }) : none(),
      sources ? column<uint32_t>(events, [](const Event& e) { return e.source; }) : none(),
      known ? PyBytes_FromStringAndSize(reinterpret_cast<const char*>(norms.data()), Py_ssize_t(norms.size() * sizeof(double))) : none());
}

// drain() -> [(thread, start, n, kind, phase, flags, name, site, module, node, digests, inputs, generators, sources, norms)]
PyObject* py_drain(PyObject*, PyObject*) {
  SAMEBITS_TRY
  Quiet quiet(this_thread());
  if (g->fresh_count) sweep_fresh();
  std::vector<Thread*> threads;
  {
    std::lock_guard<std::mutex> hold(g->threads_lock);
    for (auto& t : g->threads) threads.push_back(t.get());
  }
  PyObject* list = PyList_New(0);
  for (Thread* t : threads) {
    std::vector<Event> events;
    std::vector<Pending> pending;
    uint64_t start;
    {
      Thread::Held hold(t);
      if (t->events.empty()) continue;
      events.swap(t->events);
      pending.swap(t->pending);
      t->events.reserve(events.size());
      start = t->start;
      t->start += events.size();
    }
    std::unordered_map<int, std::vector<size_t>> by_device;  // one transfer a device
    for (size_t i = 0; i < pending.size(); ++i) by_device[pending[i].bits.get_device()].push_back(i);
    for (auto& [device, which] : by_device) {
      std::vector<at::Tensor> parts;
      for (size_t i : which) parts.push_back(pending[i].bits);
      at::Tensor host = at::stack(parts).cpu();
      for (size_t i = 0; i < which.size(); ++i) {
        const Pending& p = pending[which[i]];
        int64_t bits = host.const_data_ptr<int64_t>()[i];
        if (p.norm) std::memcpy(&events[p.event].norm, &bits, sizeof bits);
        else events[p.event].digest = uint64_t(bits);
      }
    }
    PyObject* row = chunk(t, events, start);
    if (!row || PyList_Append(list, row) < 0) {
      Py_XDECREF(row);
      Py_DECREF(list);
      return nullptr;
    }
    Py_DECREF(row);
  }
  return list;
  SAMEBITS_END
}

struct SiteRow {
  size_t id;
  Observer::Code code;
  std::string text;
  std::string file;  // of code that is not called by its file name
  int before;
};

// Copied out, under the lock: making Python objects may collect garbage, which may call `forget`.
SiteRow site_row(size_t id) {
  auto called = g->called.find(g->sites[id].code);
  bool other = called != g->called.end();
  return {id, g->sites[id], g->site_texts[id], other ? called->second.first : std::string(),
          other ? called->second.second : 0};
}

// (id, file, line, function)
PyObject* site_parts(const SiteRow& s) {
  if (s.code.code) {
    int line = PyCode_Addr2Line(s.code.code, s.code.lasti) + s.before;
    return s.file.empty()
               ? Py_BuildValue("(nOiO)", Py_ssize_t(s.id), s.code.code->co_filename, line, s.code.code->co_name)
               : Py_BuildValue("(nsiO)", Py_ssize_t(s.id), s.file.c_str(), line, s.code.code->co_name);
  }
  size_t a = s.text.find('\n'), b = s.text.find('\n', a + 1);
  return Py_BuildValue("(nsis)", Py_ssize_t(s.id), s.text.substr(0, a).c_str(),
                       std::atoi(s.text.substr(a + 1, b - a - 1).c_str()), s.text.substr(b + 1).c_str());
}

PyObject* decoded(const std::string& text) { return PyUnicode_DecodeUTF8(text.data(), Py_ssize_t(text.size()), "replace"); }

// tables() -> ([(id, text)], [(id, file, line, function)]): what is new since the last call.
PyObject* py_tables(PyObject*, PyObject*) {
  std::vector<std::pair<size_t, std::string>> name_rows;
  std::vector<SiteRow> site_rows;
  {
    std::unique_lock<std::shared_mutex> hold(g->lock);
    for (; g->names_sent < g->names.size(); ++g->names_sent) name_rows.emplace_back(g->names_sent, g->names[g->names_sent]);
    for (; g->sites_sent < g->sites.size(); ++g->sites_sent) site_rows.push_back(site_row(g->sites_sent));
  }
  PyObject *names = PyList_New(0), *sites = PyList_New(0);
  for (auto& [id, text] : name_rows) {
    PyObject* row = Py_BuildValue("(nN)", Py_ssize_t(id), decoded(text));
    PyList_Append(names, row);
    Py_XDECREF(row);
  }
  for (auto& s : site_rows) {
    PyObject* row = site_parts(s);
    PyList_Append(sites, row);
    Py_XDECREF(row);
  }
  return Py_BuildValue("(NN)", names, sites);
}

// drawn() -> [(own, operation, module, site or None, thread, state, n, at, loader)]: what was drawn since
PyObject* py_drawn(PyObject*, PyObject*) {
  struct Told {
    DrawRow row;
    std::string name, module;
    SiteRow site;
  };
  SAMEBITS_TRY
  std::vector<DrawRow> rows;
  {
    std::lock_guard<std::mutex> hold(g->draws_lock);
    rows.swap(g->draws);
  }
  ++g->draws_taken;
  std::vector<Told> told;
  {
    std::unique_lock<std::shared_mutex> hold(g->lock);
    for (auto& r : rows) told.push_back({r, g->names[r.name], g->names[r.module], site_row(r.site)});
  }
  if (g->draws_on && g->draws_left <= 0) {
    at::removeCallback(g->draw_handle);
    g->draws_on = false;
  }
  PyObject* list = PyList_New(0);
  for (auto& [r, name, module, site] : told) {
    PyObject* row = Py_BuildValue("(NNNNIKKKi)", PyBool_FromLong(r.own), decoded(name), decoded(module),
                                  r.site ? site_parts(site) : Py_NewRef(Py_None), r.thread, (unsigned long long)r.state,
                                  (unsigned long long)r.n, (unsigned long long)r.at, r.loader);
    PyList_Append(list, row);
    Py_XDECREF(row);
  }
  return list;
  SAMEBITS_END
}

// captured() -> [(thread, index, part, dtype number, shape, bytes)]
PyObject* py_captured(PyObject*, PyObject*) {
  std::vector<Captured> rows;
  {
    std::lock_guard<std::mutex> hold(g->captured_lock);
    rows.swap(g->captured);
  }
  PyObject* list = PyList_New(0);
  for (const Captured& c : rows) {
    PyObject* shape = PyTuple_New(Py_ssize_t(c.shape.size()));
    for (size_t i = 0; i < c.shape.size(); ++i) PyTuple_SET_ITEM(shape, Py_ssize_t(i), PyLong_FromLongLong(c.shape[i]));
    PyObject* row = Py_BuildValue("(IKIiNy#)", c.thread, (unsigned long long)c.index, c.part, c.dtype, shape, c.data.data(),
                                  Py_ssize_t(c.data.size()));
    PyList_Append(list, row);
    Py_XDECREF(row);
  }
  return list;
}

// after_fork(): a child process begins with nothing recorded, as thread 0
PyObject* py_after_fork(PyObject*, PyObject*) {
  for (auto& t : g->threads) {
    t->busy.clear();
    t->events.clear();
    t->pending.clear();
    t->start = 0;
    t->stack.clear();
    t->backward.clear();
    t->suspended = 0;
    t->drawing = {};
  }
  new (&g->draws_lock) std::mutex;  // a thread of the parent may have held it
  g->draws.clear();
  g->draws_at.clear();
  g->draws_spare = g->draws_spared = 0;
  g->draws_made[0] = g->draws_made[1] = 0;
  ++g->draws_taken;
  loading = 0;
  Thread* t = this_thread();
  uint32_t other = 1;
  for (auto& each : g->threads) each->ordinal = each.get() == t ? 0 : other++;
  g->names_sent = g->sites_sent = 1;
  g->captured.clear();
  Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"setup", py_setup, METH_VARARGS, nullptr},
    {"operations", py_operations, METH_O, nullptr},
    {"draws", py_draws, METH_O, nullptr},
    {"loading", py_loading, METH_O, nullptr},
    {"zoom", py_zoom, METH_VARARGS, nullptr},
    {"timed", py_timed, METH_O, nullptr},
    {"spent", py_spent, METH_NOARGS, nullptr},
    {"suspend", py_suspend, METH_NOARGS, nullptr},
    {"resume", py_resume, METH_NOARGS, nullptr},
    {"phase", py_phase, METH_O, nullptr},
    {"intern", py_intern, METH_O, nullptr},
    {"site", py_site, METH_NOARGS, nullptr},
    {"site_of", py_site_of, METH_VARARGS, nullptr},
    {"push", py_push, METH_VARARGS, nullptr},
    {"push_tensors", py_push_tensors, METH_VARARGS, nullptr},
    {"digest", py_digest, METH_VARARGS, nullptr},
    {"digest_bytes", py_digest_bytes, METH_O, nullptr},
    {"tier", py_tier, METH_O, nullptr},
    {"position", py_position, METH_NOARGS, nullptr},
    {"forget", py_forget, METH_O, nullptr},
    {"drain", py_drain, METH_NOARGS, nullptr},
    {"drawn", py_drawn, METH_NOARGS, nullptr},
    {"tables", py_tables, METH_NOARGS, nullptr},
    {"captured", py_captured, METH_NOARGS, nullptr},
    {"after_fork", py_after_fork, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}};
PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_observer", nullptr, -1, methods, nullptr, nullptr, nullptr, nullptr};

}  // namespace
}  // namespace samebits

PyMODINIT_FUNC PyInit__observer(void) {
  if (!samebits::g) {
    samebits::g = new samebits::Observer();
    new c10::RegistrationHandleRAII(  // never taken back either
        c10::Dispatcher::singleton().addRegistrationListener(std::make_unique<samebits::Deregistrations>()));
  }
  return PyModule_Create(&samebits::definition);
}
