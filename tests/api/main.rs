//! The HTTP surface, seen from its clients.
