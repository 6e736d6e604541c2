//! The Python package. Empty until the service stands: it builds, so that nothing has to move then.
