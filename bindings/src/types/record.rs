//! What all result classes can do: they are views on JSON objects that nobody changes.

use std::sync::Arc;

use pyo3::exceptions::{PyAttributeError, PyKeyError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList, PyString, PyTuple};

use super::class::{Class, Field, Reads};
use super::{Meta, plain, reader};
use crate::json;

/// What every result class can do.
///
/// A record is a JSON object: `record["key"]`, `in`, `len`, `get`, `keys`, `values` and `items` speak of the
/// members that came, by their names in JSON. Its class gives the usual members as attributes, `None` where
/// they did not come; members that the class does not know are attributes as well. Nothing can be assigned.
/// Two records are equal if their class and their members are.
///
/// >>> from llm_proxy.types import Model
/// >>> model = Model.from_dict({"id": "gpt-5.4", "object": "model", "context": 400000})
/// >>> model.id, model["id"], model.owned_by, model.context, model.extra
/// ('gpt-5.4', 'gpt-5.4', None, 400000, {'context': 400000})
// The members are a dict of the JSON's own order, never handed out: absent, null and unknown members come
// back as they came, and no class has to say more than its members' names.
#[pyclass(frozen, subclass, mapping, module = "llm_proxy.types")]
pub struct Record {
    class: &'static Class,
    members: Py<PyDict>,
    meta: Option<Arc<Meta>>,
}

impl Record {
    /// A record of `class`; `meta` is for what answers a call.
    pub fn new(class: &'static Class, members: Bound<'_, PyDict>, meta: Option<Arc<Meta>>) -> Self {
        Self { class, members: members.unbind(), meta }
    }

    /// What is under an object of a result class.
    pub fn of<'a, T>(object: &'a Bound<'_, T>) -> PyResult<&'a Self> {
        Ok(object.as_any().cast::<Self>()?.get())
    }

    /// The members, by their names in JSON.
    pub fn members<'py>(&self, py: Python<'py>) -> &Bound<'py, PyDict> {
        self.members.bind(py)
    }

    /// Whose answer it is, where it is one.
    pub fn meta(&self) -> Option<&Meta> {
        self.meta.as_deref()
    }

    /// What the attribute of the member `key` gives; `None` where the member did not come.
    pub fn attribute<'py>(
        &self,
        key: &Bound<'py, PyString>,
        reads: Reads,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.members(key.py()).get_item(key)?.map(|value| reads.shown(value)).transpose()
    }

    fn field(&self, key: &Bound<'_, PyAny>) -> Option<&'static Field> {
        key.cast::<PyString>().ok()?.to_str().ok().and_then(|key| self.class.field(key))
    }
}

#[pymethods]
impl Record {
    /// The members that this class has no attribute for, as a new dict.
    #[getter]
    fn extra<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let extra = PyDict::new(py);
        for (key, value) in self.members(py) {
            if !self.class.knows(key.cast::<PyString>()?.to_str()?) {
                extra.set_item(key, value)?;
            }
        }
        Ok(extra)
    }

    /// The member `key` as it came, or `default`.
    #[pyo3(signature = (key, default = None, /))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.members(py).get_item(key)?.or(default))
    }

    /// The names of the members that came, as a view.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.members(py).call_method0("keys")
    }

    /// The members that came, as a view.
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.members(py).call_method0("values")
    }

    /// The members that came with their names, as a view.
    fn items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.members(py).call_method0("items")
    }

    /// The JSON object that it was read from, as new dicts and lists.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        plain::record(py, self, false)
    }

    /// The same as `to_dict()`; with `exclude_none=True` without the members that are `None`.
    #[pyo3(signature = (*, exclude_none = false))]
    fn model_dump<'py>(&self, py: Python<'py>, exclude_none: bool) -> PyResult<Bound<'py, PyDict>> {
        plain::record(py, self, exclude_none)
    }

    /// The JSON object that it was read from, as text: compact, or on lines with `indent` spaces a level.
    #[pyo3(signature = (indent = None))]
    fn to_json(slf: &Bound<'_, Self>, indent: Option<usize>) -> PyResult<String> {
        json::text(slf.as_any(), indent)
    }

    fn __getattr__<'py>(slf: &Bound<'py, Self>, name: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
        slf.get().members(slf.py()).get_item(name)?.ok_or_else(|| {
            let class = slf.get_type().name().map_or_else(|_| String::new(), |class| class.to_string());
            PyAttributeError::new_err(format!("'{class}' object has no attribute '{name}'"))
        })
    }

    fn __getitem__<'py>(&self, py: Python<'py>, key: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.members(py).get_item(&key)?.ok_or_else(|| PyKeyError::new_err(key.unbind()))
    }

    fn __contains__(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.members(key.py()).contains(key)
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.members(py).try_iter()
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        self.members(py).len()
    }

    // An empty delta is there, unlike one that is `None`.
    const fn __bool__(&self) -> bool {
        true
    }

    fn __eq__<'py>(slf: &Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        match other.cast::<Self>() {
            Ok(other) if other.get_type().is(slf.get_type()) => {
                let equal = slf.get().members(py).eq(other.get().members(py))?;
                Ok(equal.into_pyobject(py)?.to_owned().into_any())
            }
            _ => Ok(py.NotImplemented().into_bound(py)),
        }
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let mut shown = Vec::new();
        for (key, value) in slf.get().members(slf.py()) {
            let field = slf.get().field(&key);
            let value = field.map_or(Ok(value.clone()), |field| field.reads.shown(value))?;
            if !value.is_none() {
                let name = field.map_or_else(|| key.to_string(), |field| field.name.to_owned());
                shown.push(format!("{name}={}", value.repr()?));
            }
        }
        Ok(format!("{}({})", slf.get_type().name()?, shown.join(", ")))
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__<'py>(slf: &Bound<'py, Self>, _memo: &Bound<'py, PyAny>) -> PyResult<Py<PyAny>> {
        let record = slf.get();
        reader::revive(slf.as_any(), record.class, record.meta.clone())
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let py = slf.py();
        let arguments = PyList::new(py, [slf.get().to_dict(py)?])?;
        if let Some(meta) = slf.get().meta() {
            arguments.append(&meta.request_id)?;
            arguments.append(&meta.served_by)?;
            arguments.append(meta.attempts)?;
        }
        Ok((slf.get_type().getattr("from_dict")?, arguments.to_tuple()))
    }
}
