// Arrays as arguments of bindings. A step of training hands over some four hundred of them: through Python's
// `__dlpack__`, of which nanobind makes use, each takes 2.4 µs; through the table of C functions that newer versions of
// torch show (DLPack's exchange API) 0.3. Where there is no such table nanobind does it in its own way.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

template <typename... Form>
struct TensorArgument : nanobind::ndarray<Form...> {
  using nanobind::ndarray<Form...>::ndarray;
};

// The beginning of DLPack's `DLPackExchangeAPI`, as far as it is called here.
struct ExchangeTable {
  uint32_t major, minor;
  const ExchangeTable* older;
  void* allocate;
  int (*export_tensor)(void* object, void** managed);
};

// The beginning of DLPack's `DLManagedTensorVersioned`.
struct ManagedTensor {
  uint32_t major, minor;
  void* context;
  void (*free)(ManagedTensor* self);
};

// That of an object's type; null where it shows none. Looked up once for each type that comes after another.
inline const ExchangeTable* exchange_table(PyObject* object) {
  static PyTypeObject* last = nullptr;  // with the GIL only, as everything here
  static const ExchangeTable* table = nullptr;
  if (Py_TYPE(object) == last) return table;
  PyObject* capsule = PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(object)), "__dlpack_c_exchange_api__");
  const void* found = capsule ? PyCapsule_GetPointer(capsule, "dlpack_exchange_api") : nullptr;
  PyErr_Clear();
  Py_XDECREF(capsule);
  last = Py_TYPE(object), table = static_cast<const ExchangeTable*>(found);
  if (table && table->major != 1) table = nullptr;
  return table;
}

// A capsule as `__dlpack__` would have made it, or null.
inline PyObject* quick_capsule(PyObject* object) {
  const ExchangeTable* table = exchange_table(object);
  void* managed = nullptr;
  if (!table || table->export_tensor(object, &managed)) return PyErr_Clear(), nullptr;
  return PyCapsule_New(managed, "dltensor_versioned", [](PyObject* capsule) {
    if (!PyCapsule_IsValid(capsule, "dltensor_versioned")) return;  // somebody took what was in it
    auto* unused = static_cast<ManagedTensor*>(PyCapsule_GetPointer(capsule, "dltensor_versioned"));
    unused->free(unused);
  });
}

template <typename... Form>
struct nanobind::detail::type_caster<TensorArgument<Form...>> {
  using Own = type_caster<nanobind::ndarray<Form...>>;
  NB_TYPE_CASTER(TensorArgument<Form...>, Own::Name)

  bool from_python(handle source, uint32_t flags, cleanup_list* cleanup) noexcept {
    Own own;
    bool found = false;
    if (PyObject* capsule = source.is_none() ? nullptr : quick_capsule(source.ptr())) {
      found = own.from_python(capsule, flags, cleanup);
      Py_DECREF(capsule);
    }
    if (!found && !own.from_python(source, flags, cleanup)) return false;  // or of another type, to be converted
    static_cast<nanobind::ndarray<Form...>&>(value) = std::move(own.value);
    return true;
  }
};
