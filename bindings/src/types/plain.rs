//! Records back to dicts.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::record::Record;

/// A record's members as new dicts and lists; `exclude_none` leaves out members of records that are `None`.
pub fn record<'py>(py: Python<'py>, record: &Record, exclude_none: bool) -> PyResult<Bound<'py, PyDict>> {
    let plain = PyDict::new(py);
    for (key, member) in record.members(py) {
        if !(exclude_none && member.is_none()) {
            plain.set_item(key, value(member, exclude_none)?)?;
        }
    }
    Ok(plain)
}

fn value(value: Bound<'_, PyAny>, exclude_none: bool) -> PyResult<Bound<'_, PyAny>> {
    if let Ok(found) = value.cast::<Record>() {
        Ok(record(value.py(), found.get(), exclude_none)?.into_any())
    } else if let Ok(list) = value.cast::<PyList>() {
        Ok(self::list(list, exclude_none)?.into_any())
    } else if let Ok(dict) = value.cast::<PyDict>() {
        Ok(self::dict(dict, exclude_none)?.into_any())
    } else {
        Ok(value)
    }
}

fn list<'py>(list: &Bound<'py, PyList>, exclude_none: bool) -> PyResult<Bound<'py, PyList>> {
    let items = list.iter().map(|item| value(item, exclude_none));
    PyList::new(list.py(), items.collect::<PyResult<Vec<_>>>()?)
}

fn dict<'py>(dict: &Bound<'py, PyDict>, exclude_none: bool) -> PyResult<Bound<'py, PyDict>> {
    let plain = PyDict::new(dict.py());
    for (key, member) in dict {
        plain.set_item(key, value(member, exclude_none)?)?;
    }
    Ok(plain)
}
