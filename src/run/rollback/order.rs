//! In which order and how many at a time, and the entries that are written.

use super::{decide::Do, execute::Executor, past::Past};
use crate::{
    ident::StepId,
    ledger::{Entry, Undone},
};
use std::collections::{HashMap, HashSet};

impl Executor<'_> {
    /// Records that refer to others of the same step go before them. In a circle any order will do.
    pub(super) fn levels<'p>(
        &self,
        id: StepId,
        calls: Vec<(&'p Past, Do)>,
    ) -> Vec<Vec<(&'p Past, Do)>> {
        let Some(object) = self.world.mapping.steps.get(id.ix()).map(|s| s.to) else {
            return vec![calls];
        };
        let ids: HashSet<&str> = calls.iter().map(|(p, _)| p.id.as_str()).collect();
        let mut to: HashMap<&str, Vec<String>> = HashMap::new();
        for (past, _) in &calls {
            let targets: Vec<String> = self
                .record(object, &past.id)
                .map(|record| self.world.refers(object, record))
                .unwrap_or_default()
                .into_iter()
                .filter(|(_, (kind, other))| {
                    *kind == object && ids.contains(other.as_str()) && *other != past.id
                })
                .map(|(_, (_, other))| other)
                .collect();
            if !targets.is_empty() {
                to.insert(past.id.as_str(), targets);
            }
        }
        if to.is_empty() {
            return vec![calls];
        }
        // How deep a record lies below others that refer to it.
        let mut depth: HashMap<String, usize> = HashMap::new();
        for _ in 0..ids.len().min(64) {
            let mut moved = false;
            for (from, targets) in &to {
                let own = depth.get(*from).copied().unwrap_or(0);
                for target in targets {
                    let slot = depth.entry(target.clone()).or_insert(0);
                    if *slot <= own && own < 64 {
                        *slot = own + 1;
                        moved = true;
                    }
                }
            }
            if !moved {
                break;
            }
        }
        let mut levels: Vec<Vec<(&Past, Do)>> = Vec::new();
        for call in calls {
            let at = depth.get(call.0.id.as_str()).copied().unwrap_or(0);
            while levels.len() <= at {
                levels.push(Vec::new());
            }
            if let Some(level) = levels.get_mut(at) {
                level.push(call);
            }
        }
        levels
    }

    pub(super) fn name(&self, past: &Past) -> String {
        let step = self.world.mapping.steps.get(past.step.ix());
        step.map(|s| s.name.clone()).unwrap_or_default()
    }

    pub(super) fn undone(&self, past: &Past, did: Undone) -> Entry {
        Entry::RolledBack {
            step: self.name(past),
            key: past.key.clone(),
            part: past.part,
            dest_id: past.id.clone(),
            did,
        }
    }

    pub(super) fn kept(&self, past: &Past, why: &str) -> Entry {
        Entry::Kept {
            step: self.name(past),
            key: past.key.clone(),
            part: past.part,
            why: why.to_owned(),
        }
    }
}

/// Runs futures side by side and gives their results in order.
pub(super) async fn together<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut pinned: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut results: Vec<Option<T>> = pinned.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        let mut waits = false;
        for (future, slot) in pinned.iter_mut().zip(&mut results) {
            if slot.is_none() {
                match future.as_mut().poll(cx) {
                    std::task::Poll::Ready(value) => *slot = Some(value),
                    std::task::Poll::Pending => waits = true,
                }
            }
        }
        match waits {
            true => std::task::Poll::Pending,
            false => std::task::Poll::Ready(()),
        }
    })
    .await;
    results.into_iter().flatten().collect()
}
