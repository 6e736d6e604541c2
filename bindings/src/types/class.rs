//! What a result class is made of: its members, and what becomes of their JSON.

use pyo3::prelude::*;
use pyo3::types::PyString;

use super::record::Record;
use crate::fixed::Fixed;

/// A result class.
pub struct Class {
    /// The members that have an attribute of their own, in the order of `__match_args__`.
    pub fields: &'static [Field],
    /// What the other members are read as.
    pub others: Reads,
    /// Makes an object of this class.
    pub wrap: fn(Python<'_>, Record) -> PyResult<Py<PyAny>>,
}

/// A member.
pub struct Field {
    /// The attribute.
    pub name: &'static str,
    /// The key in JSON.
    pub key: &'static str,
    /// What its JSON is read as.
    pub reads: Reads,
    interned: Fixed<PyString>,
}

/// What a member's JSON is read as. JSON of another kind than the one that is named stays as it is.
#[derive(Clone, Copy)]
pub enum Reads {
    /// As it is.
    Value,
    /// As it is; the same from object to object, so that an equal one is the same Python object again.
    Repeated,
    /// As it is; the attribute gives seconds.
    Milliseconds,
    /// An object of this class.
    One(fn() -> &'static Class),
    /// A list of objects of this class.
    Many(fn() -> &'static Class),
    /// A dict of objects of this class.
    ByName(fn() -> &'static Class),
}

impl Class {
    /// The member with this key in JSON.
    pub fn field(&self, key: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// Whether a member with this key is one that the class knows.
    pub fn knows(&self, key: &str) -> bool {
        !matches!(self.others, Reads::Value) || self.field(key).is_some()
    }

    /// The members' attributes.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &'static str> {
        self.fields.iter().map(|field| field.name)
    }
}

impl Reads {
    /// What an attribute gives for a member that came as `value`.
    pub fn shown(self, value: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
        match self {
            Self::Milliseconds if !value.is_none() => value.div(1_000),
            _ => Ok(value),
        }
    }
}

impl Field {
    /// A member; its key is interned when it is first read.
    pub const fn new(name: &'static str, key: &'static str, reads: Reads) -> Self {
        Self { name, key, reads, interned: Fixed::new() }
    }

    /// The key as a Python string, always the same one.
    pub fn interned<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        self.interned.text(py, self.key).clone()
    }
}
