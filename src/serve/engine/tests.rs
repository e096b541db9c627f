//! Tests of the engine with a real coordinator, without the wire.
