//! Attune: a SQL-driven streaming personalization database.
//!
//! Layers, each knowing only those below it: [`serve`] > [`coordinator`] > [`dataflow`]; the crates `attune-planner`,
//! `attune-sql` and `attune-storage` beneath.

pub mod bench;
pub mod cli;
pub mod config;
pub mod coordinator;
pub mod dataflow;
pub mod demo;
pub mod serve;
pub mod server;
