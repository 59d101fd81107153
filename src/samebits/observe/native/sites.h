// Which of the user's lines, and which module, an event belongs to.
#pragma once
#include "state.h"

namespace samebits {
namespace {

bool starts_with_any(const char* text, const std::vector<std::string>& prefixes) {
  for (auto& p : prefixes)
    if (std::strncmp(text, p.c_str(), p.size()) == 0) return true;
  return false;
}

// Whether a file lies in a folder of installed packages, wherever that is: a program may bring one along.
bool installed(const char* file) {
  return std::strstr(file, "/site-packages/") || std::strstr(file, "/dist-packages/");
}

// Asks Python where code is that no library's file has: in a file, a cell, an example, or made by a library.
uint8_t told(PyCodeObject* code, std::pair<std::string, int>* called) {
  Quiet quiet(this_thread());
  PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  uint8_t c = Codes::LIBRARY;
  PyObject* place = PyObject_CallOneArg(g->where, reinterpret_cast<PyObject*>(code));
  const char* file;
  int before;
  if (place && place != Py_None && PyArg_ParseTuple(place, "si", &file, &before)) {
    c = Codes::USER;
    *called = {file, before};
  }
  Py_XDECREF(place);
  PyErr_Clear();
  PyErr_Restore(type, value, trace);
  return c;
}

uint8_t classify(PyCodeObject* code) {
  {
    std::shared_lock<std::shared_mutex> hold(g->lock);
    auto it = g->codes.find(code);
    if (it != g->codes.end()) return it->second;
  }
  uint8_t c = Codes::LIBRARY;
  std::pair<std::string, int> called;
  Gil gil;
  const char* file = PyUnicode_AsUTF8(code->co_filename);
  if (!file) {
    PyErr_Clear();
  } else if (code == g->module_call) {
    c = Codes::MODULE_CALL;
  } else if (starts_with_any(file, g->torch_prefixes)) {
    c = Codes::LIBRARY;
  } else if (starts_with_any(file, g->library_prefixes) || installed(file)) {
    c = Codes::OTHER_LIBRARY;
  } else {
    c = told(code, &called);
  }
  Py_INCREF(code);  // its address names it from now on
  std::unique_lock<std::shared_mutex> hold(g->lock);
  if (!g->codes.try_emplace(code, c).second)
    Py_DECREF(code);
  else if (c == Codes::USER && called != std::make_pair(std::string(file), 0))
    g->called[code] = called;
  return c;
}

uint8_t code_class(PyCodeObject* code) {
  struct Entry {
    PyCodeObject* code;
    uint8_t c;
  };
  static thread_local Entry cache[1024];
  Entry& e = cache[(uintptr_t(code) >> 5) & 1023];
  if (e.code != code) e = {code, classify(code)};
  return e.c;
}

uint32_t site_id(PyCodeObject* code, int lasti) {
  struct Entry {
    PyCodeObject* code;
    int lasti;
    uint32_t id;
  };
  static thread_local Entry cache[1024];
  uint64_t key = uint64_t(uintptr_t(code)) * GOLDEN ^ uint64_t(lasti);
  Entry& e = cache[(key ^ (key >> 17)) & 1023];
  if (e.code == code && e.lasti == lasti) return e.id;
  uint64_t full = fmix(uint64_t(uintptr_t(code)) + GOLDEN * uint64_t(lasti));
  uint32_t id = 0;
  {
    std::shared_lock<std::shared_mutex> hold(g->lock);
    auto it = g->site_ids.find(full);
    if (it != g->site_ids.end()) id = it->second;
  }
  if (!id) {
    std::unique_lock<std::shared_mutex> hold(g->lock);
    auto [it, fresh] = g->site_ids.try_emplace(full, uint32_t(g->sites.size()));
    if (fresh) {
      g->sites.push_back({code, lasti});
      g->site_texts.emplace_back();
    }
    id = it->second;
  }
  e = {code, lasti, id};
  return id;
}

uint32_t module_id(PyObject* self) {
  {
    std::shared_lock<std::shared_mutex> hold(g->lock);
    auto it = g->modules.find(self);
    if (it != g->modules.end()) return it->second;
  }
  Gil gil;
  uint32_t id = 0;
  Quiet quiet(this_thread());
  PyObject* type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  PyObject* name = PyObject_CallOneArg(g->module_name, self);
  if (name) {
    const char* text = PyUnicode_AsUTF8(name);
    if (text) id = intern(text);
    Py_DECREF(name);
  }
  PyErr_Clear();
  PyErr_Restore(type, value, trace);
  std::unique_lock<std::shared_mutex> hold(g->lock);
  g->modules[self] = id;
  return id;
}

struct Place {
  uint32_t site = 0, module = 0;
  bool user = false;
};

// Walks from the running frame outwards, to `until` (exclusive) where given.
Place place(PyFrame* until = nullptr) {
  Place p;
  uint32_t fallback = 0;
  bool module_done = false;
  for (PyFrame* f = top_frame(); f && f != until; f = frame_back(f)) {
    PyCodeObject* code = frame_code(f);
    if (!code) continue;
    uint8_t c = code_class(code);
    if (c == Codes::MODULE_CALL) {
      if (!module_done) {
        if (PyObject* self = frame_self(f)) p.module = module_id(self);
        module_done = true;
        if (p.user) break;
      }
    } else if (c == Codes::USER) {
      if (!p.user) {
        p.site = site_id(code, frame_lasti(f, code));
        p.user = true;
        if (module_done) break;
      }
    } else if (c == Codes::OTHER_LIBRARY && !fallback && !p.user) {
      fallback = site_id(code, frame_lasti(f, code));
    }
  }
  if (!p.user && !until) p.site = fallback;
  return p;
}

}  // namespace
}  // namespace samebits
