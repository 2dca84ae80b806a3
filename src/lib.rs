//! Transload: moves a company from one CRM to another, declared in YAML.

pub mod ident;
pub mod clock;
pub mod secret;
pub mod value;
pub mod diag;
pub mod event;
pub mod outcome;
pub mod platform;
pub mod pace;
pub mod connector;
pub mod spec;
pub mod mapping;
pub mod check;
pub mod plan;
pub mod propose;
pub mod transform;
pub mod ledger;
pub mod run;
pub mod report;
pub mod sandbox;
pub mod cli;
