//! A plan: batches of steps, the edges between them, and what was put off.

use super::{Fingerprints, Load, Manifest};
use crate::{
    ident::StepId,
    mapping::{FieldMap, Mapping, Step},
};
use petgraph::graph::DiGraph;
use std::sync::Arc;

/// What a run does, in which order. Made by [`super::compile`] only.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The mapping it was made from.
    pub mapping: Arc<Mapping>,
    /// Topological layers; the steps of one can run side by side. Steps by name within a batch.
    pub batches: Vec<Vec<StepId>>,
    /// Every edge, deferred ones included, by the names of its steps.
    pub edges: Vec<Edge>,
    /// References that are written in a second pass, by step name and position.
    pub deferred: Vec<Deferred>,
    /// How each step loads; by [`StepId`].
    pub loads: Vec<Load>,
    /// What the destination must have.
    pub manifest: Manifest,
    /// What the plan means, in hashes.
    pub fingerprints: Fingerprints,
}

/// One step needs another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The step that comes first.
    pub first: StepId,
    /// The step that needs it.
    pub then: StepId,
    /// Why.
    pub reason: Reason,
    /// True when the order does not follow it: the reference is written in the second pass where it has to be.
    pub deferred: bool,
}

/// Why a step needs another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A reference: position in [`Step::fields`].
    Field(usize),
    /// `after:`
    After,
    /// A condition asks what became of its records.
    When,
}

/// A field that cannot be complete in the first pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deferred {
    /// The step.
    pub step: StepId,
    /// Position in [`Step::fields`].
    pub field: usize,
}

impl Plan {
    /// A step of the mapping. Ids of this plan always have one.
    pub fn step(&self, id: StepId) -> Option<&Step> {
        self.mapping.steps.get(id.ix())
    }

    /// The name of a step.
    pub fn name(&self, id: StepId) -> &str {
        self.step(id).map_or("", |s| &s.name)
    }

    /// How a step loads.
    pub fn load(&self, id: StepId) -> &Load {
        self.loads.get(id.ix()).unwrap_or(&Load::Use)
    }

    /// Fields of a step that are written in the second pass.
    pub fn deferred_of(&self, id: StepId) -> impl Iterator<Item = (usize, &FieldMap)> {
        self.deferred
            .iter()
            .filter(move |d| d.step == id)
            .filter_map(move |d| Some((d.field, self.step(id)?.fields.get(d.field)?)))
    }

    /// The part that an admin does: the steps whose records no call makes, as far as all that they need is among them.
    /// It has the same steps by position, and loads those only.
    pub fn by_hand(&self) -> Plan {
        let mut kept: Vec<bool> = self.loads.iter().map(|l| *l == Load::ByHand).collect();
        let is_kept = |kept: &[bool], id: StepId| kept.get(id.ix()).copied().unwrap_or(false);
        loop {
            let lost = self
                .edges
                .iter()
                .find(|e| is_kept(&kept, e.then) && !is_kept(&kept, e.first));
            match lost.and_then(|e| kept.get_mut(e.then.ix())) {
                Some(slot) => *slot = false,
                None => break,
            }
        }
        let mut part = self.clone();
        for batch in &mut part.batches {
            batch.retain(|id| is_kept(&kept, *id));
        }
        part.batches.retain(|batch| !batch.is_empty());
        part.deferred.retain(|d| is_kept(&kept, d.step));
        part
    }

    /// The hash of everything that decides what a run does, in hexadecimal.
    pub fn hash(&self) -> String {
        self.fingerprints.plan.to_string()
    }

    /// The steps and the edges that order them as a graph: an edge points from what comes first to what needs it.
    pub fn graph(&self) -> DiGraph<StepId, Reason> {
        let mut graph = DiGraph::new();
        let nodes: Vec<_> = (0..self.mapping.steps.len())
            .filter_map(|i| Some(graph.add_node(StepId(u16::try_from(i).ok()?))))
            .collect();
        for edge in self.edges.iter().filter(|e| !e.deferred) {
            if let (Some(first), Some(then)) =
                (nodes.get(edge.first.ix()), nodes.get(edge.then.ix()))
            {
                graph.add_edge(*first, *then, edge.reason);
            }
        }
        graph
    }
}
