//! Transload: moves a company from one CRM to another, declared in YAML.

pub mod connector;
pub mod diag;
pub mod event;
pub mod ident;
pub mod mapping;
pub mod platform;
pub mod spec;
pub mod transform;
pub mod value;
