// Which line of the user's source is running in this thread, read without the GIL.
//
// torch releases the GIL before it dispatches an operation, so the callback of an observed operation
// may not touch Python objects.  The frames of its own thread cannot change meanwhile (the thread is
// here), and their code objects are kept alive by them: reading raw pointers is safe, taking a
// reference is not.  The layout of a frame is private to each CPython minor version.
#pragma once
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#ifndef Py_BUILD_CORE
#define Py_BUILD_CORE
#endif
// The private headers are C, and this file is C++: `_Atomic` and `register` do not survive the trip.
extern "C" {
#if PY_VERSION_HEX >= 0x030E0000
#include <internal/pycore_interpframe.h>
#else
#include <internal/pycore_frame.h>
#endif
}
#include <cstdint>

namespace samebits {

using PyFrame = _PyInterpreterFrame;

inline PyFrame* top_frame() {
  PyThreadState* ts = PyGILState_GetThisThreadState();
  if (!ts) return nullptr;
#if PY_VERSION_HEX >= 0x030D0000
  return ts->current_frame;
#else
  return ts->cframe ? ts->cframe->current_frame : nullptr;
#endif
}

// The code object, or null for a frame that runs no Python code (the C-stack entry frames of 3.12+).
inline PyCodeObject* frame_code(PyFrame* f) {
#if PY_VERSION_HEX >= 0x030E0000
  PyObject* o = PyStackRef_AsPyObjectBorrow(f->f_executable);
#elif PY_VERSION_HEX >= 0x030D0000
  PyObject* o = f->f_executable;
#else
  PyObject* o = (PyObject*)f->f_code;
#endif
  return o && Py_TYPE(o) == &PyCode_Type ? (PyCodeObject*)o : nullptr;
}

inline int frame_lasti(PyFrame* f, PyCodeObject* code) {
#if PY_VERSION_HEX >= 0x030D0000
  return int(f->instr_ptr - _PyCode_CODE(code)) * int(sizeof(_Py_CODEUNIT));
#else
  return int(f->prev_instr - _PyCode_CODE(code)) * int(sizeof(_Py_CODEUNIT));
#endif
}

// The first argument ("self"), looking through the cell it lives in when an inner function uses it.
inline PyObject* frame_self(PyFrame* f) {
#if PY_VERSION_HEX >= 0x030E0000
  PyObject* o = PyStackRef_AsPyObjectBorrow(f->localsplus[0]);
#else
  PyObject* o = f->localsplus[0];
#endif
  if (o && Py_TYPE(o) == &PyCell_Type) o = ((PyCellObject*)o)->ob_ref;
  return o;
}

// The variables of the module whose code runs; whoever looks into them holds the GIL.
inline PyObject* frame_globals(PyFrame* f) {
#if PY_VERSION_HEX >= 0x030E0000
  return (PyObject*)f->f_globals;
#else
  return f->f_globals;
#endif
}

inline PyFrame* frame_back(PyFrame* f) { return f->previous; }

}  // namespace samebits
