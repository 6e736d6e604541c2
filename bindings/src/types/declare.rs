//! How a result class is written down: its module, its name, its members.

/// A class whose objects are parts of answers, or events.
///
/// A member is `attribute: "key in JSON" => what it is read as`, with its documentation. `others` says what
/// members with other keys are read as.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident in $module:literal $members:tt) => {
        $crate::types::declare::class! {
            [] $(#[$doc])* $name in $module, Record [] $members others Value;
            {
                /// Makes one of a dict with the members' names in JSON.
                #[classmethod]
                #[pyo3(signature = (members, /))]
                fn from_dict(_class: &Bound<'_, PyType>, members: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
                    $crate::types::reader::revive(members, $name::class(), None)
                }
            }
        }
    };
}

/// A class whose objects are whole answers: they say whose answer they are.
macro_rules! answer {
    ($(#[$doc:meta])* $name:ident in $module:literal $members:tt) => {
        $crate::types::declare::answer! { $(#[$doc])* $name in $module $members others Value }
    };
    ($(#[$doc:meta])* $name:ident in $module:literal $members:tt others $others:expr) => {
        $crate::types::declare::class! {
            [] $(#[$doc])* $name in $module, Record [] $members others $others;
            {
                /// Makes one of a dict with the members' names in JSON.
                #[classmethod]
                #[pyo3(signature = (members, /, request_id = None, served_by = None, attempts = 0))]
                fn from_dict(
                    _class: &Bound<'_, PyType>,
                    members: &Bound<'_, PyAny>,
                    request_id: Option<String>,
                    served_by: Option<String>,
                    attempts: u32,
                ) -> PyResult<Py<PyAny>> {
                    let meta = $crate::types::Meta { request_id, served_by, attempts };
                    $crate::types::reader::revive(members, $name::class(), Some(meta.into()))
                }

                /// The request's id, as in the logs; not in the JSON.
                #[getter]
                fn request_id<'a>(slf: &'a Bound<'_, Self>) -> Option<&'a str> {
                    slf.as_super().get().meta()?.request_id.as_deref()
                }

                /// The endpoint that answered; not in the JSON.
                #[getter]
                fn served_by<'a>(slf: &'a Bound<'_, Self>) -> Option<&'a str> {
                    slf.as_super().get().meta()?.served_by.as_deref()
                }

                /// How many upstream calls it took; not in the JSON.
                #[getter]
                fn attempts(slf: &Bound<'_, Self>) -> u32 {
                    slf.as_super().get().meta().map_or(0, |meta| meta.attempts)
                }
            }
        }
    };
}

/// A class under `$base`; `$between` are the classes from `Record` down to that. `$flag` are more of `pyclass`.
macro_rules! class {
    (
        [$($flag:ident)?] $(#[$doc:meta])* $name:ident in $module:literal, $base:ident [$($between:ident)?]
        { $($(#[$member_doc:meta])* $member:ident: $key:literal => $reads:expr),* $(,)? }
        others $others:expr;
        { $($methods:tt)* }
    ) => {
        $(#[$doc])*
        #[pyclass($($flag,)? frozen, mapping, extends = $base, module = $module)]
        pub struct $name;

        impl $name {
            /// What it is made of.
            pub fn class() -> &'static Class {
                const COUNT: usize = <[&str]>::len(&[$($key),*]);
                static FIELDS: [Field; COUNT] =
                    [$(Field::new($crate::types::declare::attribute!($member), $key, $reads)),*];
                static CLASS: Class = Class {
                    fields: &FIELDS,
                    others: $others,
                    wrap: |py, record| {
                        let object = PyClassInitializer::from(record)$(.add_subclass($between))?.add_subclass($name);
                        Ok(Py::new(py, object)?.into_any())
                    },
                };
                &CLASS
            }
        }

        #[pymethods]
        impl $name {
            $($methods)*

            #[classattr]
            fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
                PyTuple::new(py, $name::class().names())
            }

            $(
                $(#[$member_doc])*
                #[getter]
                fn $member<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, PyAny>>> {
                    Record::of(slf)?.attribute(crate::fixed::text!(slf.py(), $key), $reads)
                }
            )*
        }
    };
}

/// The attribute's name: a raw identifier without its mark.
macro_rules! attribute {
    (r#type) => {
        "type"
    };
    ($member:ident) => {
        stringify!($member)
    };
}

pub(super) use pyo3::prelude::*;
pub(super) use pyo3::types::{PyTuple, PyType};
pub(super) use {answer, attribute, class, record};

pub(super) use super::class::Reads::{ByName, Many, Milliseconds, One, Repeated, Value};
pub(super) use super::class::{Class, Field};
pub(super) use super::record::Record;
