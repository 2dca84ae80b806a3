//! `policy:` of a mapping, and what a migration says otherwise.

use super::{literal, scope::Ctx};
use crate::{
    diag::{Code, Diagnostic},
    mapping::{BlankPolicy, Conflict, CountGate, Cover, Deleted, Policy},
    spec::Node,
    value::Scalar,
};
use rust_decimal::Decimal;
use std::str::FromStr;

/// Reads the policy of the mapping, then the migration's.
pub fn lower(ctx: &mut Ctx<'_>, mapping: &Node, migration: Option<&Node>) -> Policy {
    let mut policy = Policy::default();
    for node in [
        mapping.get("policy"),
        migration.and_then(|m| m.get("policy")),
    ]
    .into_iter()
    .flatten()
    {
        match node.get_text("blank") {
            Some("clear") => policy.blank = BlankPolicy::Clear,
            Some("skip") => policy.blank = BlankPolicy::Skip,
            _ => {}
        }
        if let Some(conflict) = node.get_text("conflict").and_then(Conflict::read) {
            policy.conflict = conflict;
        }
        let counts = node.get("gate").and_then(|g| g.get_text("counts"));
        if let Some(gate) = counts.and_then(CountGate::read) {
            policy.gate = gate;
        }
        if let Some(errors) = node.get("errors") {
            if let Some(share) = errors.get("max_share") {
                match basis_points(share.text().unwrap_or("")) {
                    Some(points) => policy.errors_max_share = Some(points),
                    None => ctx.push(
                        Diagnostic::new(Code::BadLiteral, share.span, "a share is a percentage")
                            .hint("write `\"0.5%\"`, from 0% to 100%"),
                    ),
                }
            }
            if let Some(count) = errors
                .get_int("max_count")
                .and_then(|n| u64::try_from(n).ok())
            {
                policy.errors_max_count = Some(count);
            }
            match errors.get_text("per") {
                Some("run") => policy.errors_per_run = true,
                Some("object") => policy.errors_per_run = false,
                _ => {}
            }
        }
        if let Some(seconds) = seconds(node, "rollback", "for") {
            policy.rollback_seconds = seconds;
        }
        if let Some(seconds) = seconds(node, "delta", "for") {
            policy.delta_seconds = Some(seconds);
        }
        if let Some(seconds) = seconds(node, "delta", "overlap") {
            policy.delta_overlap_seconds = seconds;
        }
        match node.get("delta").and_then(|d| d.get_text("deleted")) {
            Some("report") => policy.delta_deleted = Deleted::Report,
            Some("ignore") => policy.delta_deleted = Deleted::Ignore,
            _ => {}
        }
        let approvals = node.get("approve").and_then(|a| a.get_int("sample"));
        if let Some(people) = approvals.and_then(|n| u32::try_from(n).ok()) {
            policy.approvals = people;
        }
        if let Some(sample) = node.get("sample") {
            if let Some(size) = sample.get_int("size").and_then(|n| u32::try_from(n).ok()) {
                policy.sample_size = size;
            }
            if let Some(seed) = sample.get_int("seed").and_then(|n| u64::try_from(n).ok()) {
                policy.sample_seed = seed;
            }
            if let Some(cover) = sample.get("cover") {
                let has = |word: &str| cover.items().iter().any(|i| i.text() == Some(word));
                policy.sample_cover = Cover {
                    splits: has("splits"),
                    value_maps: has("value_maps"),
                    guards: has("guards"),
                    types: has("types"),
                    refs: has("refs"),
                };
            }
        }
    }
    policy
}

/// A span of time of a policy, in seconds.
fn seconds(policy: &Node, of: &str, key: &str) -> Option<u64> {
    match literal::number(policy.get(of)?.get_text(key)?)? {
        Scalar::Seconds(seconds) => u64::try_from(seconds).ok(),
        _ => None,
    }
}

/// `0.5%` is 50 basis points.
fn basis_points(text: &str) -> Option<u32> {
    let number = Decimal::from_str(text.trim().strip_suffix('%')?.trim()).ok()?;
    let points = number.checked_mul(Decimal::ONE_HUNDRED)?;
    let whole =
        points.fract().is_zero() && points >= Decimal::ZERO && points <= Decimal::from(10_000);
    whole.then(|| u32::try_from(points).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact() {
        assert_eq!(basis_points("0.5%"), Some(50));
        assert_eq!(basis_points("20%"), Some(2_000));
        assert_eq!(basis_points("101%"), None);
        assert_eq!(basis_points("20"), None);
    }
}
