//! Puts nodes in order: what they need first, as few references put off as a greedy choice finds.
//!
//! Knows no steps and no fields, only numbers. A cycle of needs that cannot be put off is returned as a path.

use petgraph::{algo::kosaraju_scc, graph::DiGraph};
use std::collections::{BTreeSet, VecDeque};

/// One need of a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    /// The node that is needed.
    pub on: usize,
    /// What needs it: putting off one need of a group puts off the group's other needs on the same cycle at no
    /// further cost.
    pub group: usize,
    /// What it costs to put it off; `None`: it cannot be.
    pub cost: Option<u32>,
}

/// Nodes in order, and what was put off.
#[derive(Debug)]
pub(super) struct Order {
    /// All nodes, each after what it needs.
    pub nodes: Vec<usize>,
    /// (node, group, needed node) that the order does not follow.
    pub put_off: BTreeSet<(usize, usize, usize)>,
}

enum Work {
    /// Nodes to be divided into strongly connected components.
    Divide(Vec<usize>),
    /// One component.
    Place(Vec<usize>),
}

/// Orders nodes `0..needs.len()`; ties go to the lower number.
///
/// # Errors
/// Cycles that cannot be broken, each as the nodes on it: every one needs the next, the last the first.
pub(super) fn order(needs: &[Vec<Need>]) -> Result<Order, Vec<Vec<usize>>> {
    let everything: Vec<usize> = (0..needs.len()).collect();
    let mut cycles: Vec<Vec<usize>> = components(needs, &everything, |n| n.cost.is_none())
        .iter()
        .filter_map(|c| shortest_cycle(needs, c))
        .collect();
    cycles.sort();
    if !cycles.is_empty() {
        return Err(cycles);
    }
    let mut order = Order {
        nodes: Vec::with_capacity(needs.len()),
        put_off: BTreeSet::new(),
    };
    let mut work = vec![Work::Divide(everything)];
    // The component a node is in now; 0 once it is placed.
    let mut component = vec![0_usize; needs.len()];
    let mut next = 0;
    while let Some(item) = work.pop() {
        match item {
            Work::Divide(nodes) => {
                let parts = components(needs, &nodes, |_| true);
                work.extend(parts.into_iter().rev().map(Work::Place));
            }
            Work::Place(nodes) => {
                next += 1;
                for node in &nodes {
                    component[*node] = next;
                }
                // In a component without a cycle of hard needs some node has none, so one is always found.
                let Some(first) = cheapest(needs, &nodes, &component, next) else {
                    continue;
                };
                for need in &needs[first] {
                    if component[need.on] == next {
                        order.put_off.insert((first, need.group, need.on));
                    }
                }
                component[first] = 0;
                order.nodes.push(first);
                let rest: Vec<usize> = nodes.into_iter().filter(|n| *n != first).collect();
                if !rest.is_empty() {
                    work.push(Work::Divide(rest));
                }
            }
        }
    }
    Ok(order)
}

/// The node whose needs within the component cost least to put off; of equal ones the one most needed.
fn cheapest(
    needs: &[Vec<Need>],
    nodes: &[usize],
    component: &[usize],
    this: usize,
) -> Option<usize> {
    let mut needed = vec![0_u32; if nodes.len() > 1 { needs.len() } else { 0 }];
    if nodes.len() > 1 {
        for need in nodes.iter().flat_map(|n| &needs[*n]) {
            needed[need.on] += 1;
        }
    }
    nodes
        .iter()
        .filter_map(|node| {
            let mut groups: BTreeSet<usize> = BTreeSet::new();
            let mut cost = 0;
            for need in needs[*node].iter().filter(|n| component[n.on] == this) {
                let one = need.cost?;
                if groups.insert(need.group) {
                    cost += one;
                }
            }
            let most_needed = std::cmp::Reverse(needed.get(*node).copied().unwrap_or(0));
            Some((cost, most_needed, *node))
        })
        .min()
        .map(|(_, _, node)| node)
}

/// Strongly connected components of some nodes, what is needed first; nodes of each by number.
fn components(
    needs: &[Vec<Need>],
    nodes: &[usize],
    follow: impl Fn(&Need) -> bool,
) -> Vec<Vec<usize>> {
    if let [only] = nodes {
        return vec![vec![*only]];
    }
    let mut place = vec![usize::MAX; needs.len()];
    let mut graph: DiGraph<usize, ()> = DiGraph::with_capacity(nodes.len(), nodes.len());
    for node in nodes {
        place[*node] = graph.add_node(*node).index();
    }
    for node in nodes {
        for need in needs[*node].iter().filter(|n| follow(n)) {
            if place[need.on] != usize::MAX {
                graph.add_edge(
                    petgraph::graph::NodeIndex::new(place[*node]),
                    petgraph::graph::NodeIndex::new(place[need.on]),
                    (),
                );
            }
        }
    }
    // The components come in reverse topological order: with edges from a node to its needs, needs first.
    kosaraju_scc(&graph)
        .into_iter()
        .map(|c| {
            let mut nodes: Vec<usize> = c
                .into_iter()
                .filter_map(|i| graph.node_weight(i).copied())
                .collect();
            nodes.sort_unstable();
            nodes
        })
        .collect()
}

/// A shortest cycle of hard needs through the first node of a component; `None` when there is none.
fn shortest_cycle(needs: &[Vec<Need>], component: &[usize]) -> Option<Vec<usize>> {
    let start = *component.first()?;
    let inside: BTreeSet<usize> = component.iter().copied().collect();
    let hard = |node: usize| {
        let inside = &inside;
        needs[node]
            .iter()
            .filter(move |n| n.cost.is_none() && inside.contains(&n.on))
            .map(|n| n.on)
    };
    let mut from = std::collections::BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for on in hard(node) {
            if on == start {
                let mut path = vec![node];
                let mut at = node;
                while let Some(before) = from.get(&at) {
                    at = *before;
                    path.push(at);
                }
                path.reverse();
                return Some(path);
            }
            if let std::collections::btree_map::Entry::Vacant(slot) = from.entry(on) {
                slot.insert(node);
                queue.push_back(on);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn soft(on: usize) -> Need {
        Need {
            on,
            group: on,
            cost: Some(1),
        }
    }

    fn hard(on: usize) -> Need {
        Need {
            on,
            group: usize::MAX,
            cost: None,
        }
    }

    /// What was put off is all that the order does not follow, and nothing hard is.
    fn sound(needs: &[Vec<Need>], order: &Order) {
        let mut place = vec![usize::MAX; needs.len()];
        for (i, node) in order.nodes.iter().enumerate() {
            place[*node] = i;
        }
        assert!(
            place.iter().all(|p| *p != usize::MAX),
            "every node has a place"
        );
        assert_eq!(order.nodes.len(), needs.len());
        for (node, need) in needs
            .iter()
            .enumerate()
            .flat_map(|(n, all)| all.iter().map(move |d| (n, d)))
        {
            let put_off = order.put_off.contains(&(node, need.group, need.on));
            assert_eq!(
                put_off,
                place[need.on] >= place[node],
                "{node} needs {}",
                need.on
            );
            assert!(!put_off || need.cost.is_some());
        }
    }

    #[test]
    fn a_chain_puts_nothing_off() {
        let needs = vec![vec![soft(1)], vec![soft(2)], vec![]];
        let order = order(&needs).unwrap();
        assert_eq!(order.nodes, [2, 1, 0]);
        assert!(order.put_off.is_empty());
    }

    #[test]
    fn a_self_need_is_put_off() {
        let order = order(&[vec![soft(0)]]).unwrap();
        assert_eq!(order.put_off.into_iter().collect::<Vec<_>>(), [(0, 0, 0)]);
    }

    #[test]
    fn one_soft_need_breaks_a_hard_ring() {
        let needs = vec![vec![hard(1)], vec![hard(2)], vec![soft(0)]];
        let order = order(&needs).unwrap();
        assert_eq!(order.put_off.into_iter().collect::<Vec<_>>(), [(2, 0, 0)]);
    }

    #[test]
    fn what_only_hangs_on_a_cycle_is_left_alone() {
        // 0 and 1 need each other, 2 to 4 need 0.
        let needs = vec![
            vec![soft(1)],
            vec![soft(0)],
            vec![soft(0)],
            vec![soft(0)],
            vec![soft(0)],
        ];
        let order = order(&needs).unwrap();
        assert_eq!(order.put_off.len(), 1);
        assert!(order.put_off.iter().all(|(node, ..)| *node < 2));
    }

    #[test]
    fn the_cheaper_need_is_put_off() {
        let dear = Need {
            cost: Some(5),
            ..soft(1)
        };
        let order = order(&[vec![dear], vec![soft(0)]]).unwrap();
        assert_eq!(order.nodes, [1, 0]);
    }

    #[test]
    fn a_hard_cycle_is_named() {
        let needs = vec![
            vec![hard(1)],
            vec![hard(2), soft(0)],
            vec![hard(0)],
            vec![hard(3)],
        ];
        assert_eq!(order(&needs).unwrap_err(), [vec![0, 1, 2], vec![3]]);
    }

    #[test]
    fn ten_thousand_nodes_are_ordered() {
        let n = 10_000;
        let ring: Vec<Vec<Need>> = (0..n).map(|i| vec![soft((i + 1) % n)]).collect();
        let ordered = order(&ring).unwrap();
        assert_eq!(ordered.put_off.len(), 1);
        sound(&ring, &ordered);
        let layers: Vec<Vec<Need>> = (0..n)
            .map(|i| {
                (1..=3)
                    .filter_map(|k| i.checked_sub(k * 97))
                    .map(hard)
                    .collect()
            })
            .collect();
        sound(&layers, &order(&layers).unwrap());
        let hard_ring: Vec<Vec<Need>> = (0..n).map(|i| vec![hard((i + 1) % n)]).collect();
        assert_eq!(order(&hard_ring).unwrap_err()[0].len(), n);
    }

    #[test]
    fn neighbours_that_need_each_other_are_ordered() {
        let n = 600;
        let needs: Vec<Vec<Need>> = (0..n)
            .map(|i: usize| {
                [i.checked_sub(1), (i + 1 < n).then_some(i + 1)]
                    .into_iter()
                    .flatten()
                    .map(soft)
                    .collect()
            })
            .collect();
        let ordered = order(&needs).unwrap();
        sound(&needs, &ordered);
        assert_eq!(ordered.put_off.len(), n - 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_graph_is_ordered_or_its_cycle_named(
            edges in prop::collection::vec((0..9_usize, 0..9_usize, prop::option::of(1..4_u32)), 0..30),
        ) {
            let mut needs: Vec<Vec<Need>> = vec![Vec::new(); 9];
            for (i, (node, on, cost)) in edges.into_iter().enumerate() {
                needs[node].push(Need { on, group: i, cost });
            }
            match order(&needs) {
                Ok(order) => sound(&needs, &order),
                Err(cycles) => for cycle in cycles {
                    for (i, node) in cycle.iter().enumerate() {
                        let next = cycle[(i + 1) % cycle.len()];
                        prop_assert!(needs[*node].iter().any(|n| n.on == next && n.cost.is_none()));
                    }
                },
            }
        }
    }
}
