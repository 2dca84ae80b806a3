//! A proposal as a mapping file to edit. Its `spec:` is a kind that nothing runs.

use super::{FieldProposal, ObjectProposal, Proposal};
use crate::{
    ident::{FieldId, ObjectId},
    platform::{Creation, Object, Platform, Write},
    value::Type,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// The draft as YAML. Lines below `least` confidence stand there as comments.
pub fn draft(source: &Platform, destination: &Platform, proposal: &Proposal, least: f64) -> String {
    let mut out = format!(
        "# A draft, made from names, types and values: nothing runs from it. Read every line, keep or change it, add what\n\
         # is missing, then make the next line `spec: mapping/v1`.\n\
         spec: draft/v1\nsource: {}\ndestination: {}\n\nobjects:\n",
        source.name, destination.name
    );
    let mut names: BTreeMap<String, u32> = BTreeMap::new();
    let mut apart: Vec<&str> = Vec::new();
    for object in &proposal.objects {
        let to = object.to.first();
        let parts = to.and_then(|(to, confidence)| {
            let from = source.objects.get(object.from.ix())?;
            Some((from, destination.objects.get(to.ix())?, *confidence))
        });
        let Some((from, to, confidence)) = parts else {
            apart.push(&object.name);
            continue;
        };
        let count = names.entry(to.name.clone()).or_default();
        *count += 1;
        let name = if *count == 1 {
            to.name.clone()
        } else {
            format!("{}_of_{}", to.name, from.name)
        };
        let pair = Pair {
            source,
            destination,
            from,
            to,
            least,
        };
        pair.write(&name, confidence, object, &mut out);
    }
    if !apart.is_empty() {
        let _ = writeln!(
            out,
            "# Without a destination: {}. Let them leave as documents (`handoff:`) or ignore them with a reason.",
            apart.join(", ")
        );
    }
    out
}

struct Pair<'a> {
    source: &'a Platform,
    destination: &'a Platform,
    from: &'a Object,
    to: &'a Object,
    least: f64,
}

impl Pair<'_> {
    fn write(&self, name: &str, confidence: f64, object: &ObjectProposal, out: &mut String) {
        let empty = Vec::new();
        let fields = object.fields.first().unwrap_or(&empty);
        let also: Vec<String> = object
            .to
            .iter()
            .skip(1)
            .filter_map(|(to, c)| Some(format!("{} ({c:.2})", self.destination_object(*to)?)))
            .collect();
        let _ = writeln!(out, "  {name}:");
        let _ = writeln!(out, "    from: {}", self.from.name);
        let _ = write!(out, "    to: {}    # {confidence:.2}", self.to.name);
        if !also.is_empty() {
            let _ = write!(out, "; also: {}", also.join(", "));
        }
        out.push('\n');
        // What only an admin can make is used where it is there, and waited for where it is not.
        let by_hand = self.to.create == Creation::ByHand;
        if let Some(keys) = self.match_keys(fields) {
            let found = if by_hand { "use" } else { "update" };
            let _ = writeln!(out, "    match: [{{{keys}}}]\n    found: {found}");
        }
        let absent = if by_hand { "hold" } else { "create" };
        let _ = writeln!(out, "    absent: {absent}\n    fields:");
        let mut used: BTreeSet<FieldId> = BTreeSet::new();
        for proposal in fields {
            self.field(object.from, proposal, &mut used, out);
        }
        self.rest(&used, out);
        out.push('\n');
    }

    fn destination_object(&self, id: ObjectId) -> Option<&str> {
        let object = self.destination.objects.get(id.ix())?;
        Some(&object.name)
    }

    fn field(
        &self,
        from: ObjectId,
        proposal: &FieldProposal,
        used: &mut BTreeSet<FieldId>,
        out: &mut String,
    ) {
        let (Some(field), Some(best)) = (
            self.to.fields.get(proposal.to.ix()),
            proposal.candidates.first(),
        ) else {
            return;
        };
        let path = |c: &super::Candidate| {
            let object = self.source.objects.get(c.from.object.ix())?;
            let name = &object.fields.get(c.from.field.ix())?.name;
            Some(if c.from.object == from {
                name.clone()
            } else {
                format!("{}.{name}", object.name)
            })
        };
        let Some(value) = path(best) else { return };
        let own = best.from.object == from;
        // A line through another object needs a join that a person writes.
        let taken = own && best.confidence >= self.least;
        let mark = if taken { "" } else { "# " };
        if taken {
            used.insert(best.from.field);
        }
        let others: Vec<String> = proposal
            .candidates
            .iter()
            .skip(1)
            .take(2)
            .filter_map(|c| Some(format!("{} ({:.2})", path(c)?, c.confidence)))
            .collect();
        let _ = write!(
            out,
            "      {mark}{}: {value}    # {:.2}: {}",
            field.name,
            best.confidence,
            best.reasons.join("; ")
        );
        if !others.is_empty() {
            let _ = write!(out, "; or {}", others.join(", "));
        }
        out.push('\n');
    }

    /// The destination's natural key, where its fields are filled.
    fn match_keys(&self, fields: &[FieldProposal]) -> Option<String> {
        let filled = |id: &FieldId| {
            let found = fields.iter().find(|p| p.to == *id);
            found.is_some_and(|p| {
                p.candidates
                    .first()
                    .is_some_and(|c| c.confidence >= self.least)
            })
        };
        let key = self.to.keys.iter().find(|k| k.by.iter().all(filled))?;
        let name = |id: &FieldId| self.to.fields.get(id.ix()).map(|f| f.name.as_str());
        let pairs: Vec<String> = key
            .by
            .iter()
            .filter_map(|id| {
                let best = fields.iter().find(|p| p.to == *id)?.candidates.first()?;
                let from = self.from.fields.get(best.from.field.ix())?;
                Some(format!("{}: {}", name(id)?, from.name))
            })
            .collect();
        Some(pairs.join(", "))
    }

    /// Source fields without a place: custom fields where the destination takes them, as comments.
    fn rest(&self, used: &BTreeSet<FieldId>, out: &mut String) {
        let left = (0u16..)
            .map(FieldId)
            .zip(&self.from.fields)
            .filter(|(id, f)| {
                !used.contains(id) && f.write != Write::Never && f.data_type != Type::Id
            });
        for (_, field) in left {
            let rule = self
                .destination
                .custom
                .as_ref()
                .filter(|_| self.to.custom_at.is_some())
                .and_then(|c| Some((c, c.custom_type(field.data_type)?)));
            let _ = match rule {
                Some((custom, rule)) => writeln!(
                    out,
                    "      # {}{}: {{from: {}, create: {{type: {}, label: {}}}}}    # no standard field fits",
                    custom.prefix,
                    field.name,
                    field.name,
                    rule.data_type.name(),
                    field.label
                ),
                None => writeln!(
                    out,
                    "      # without a place: {}; map it, hand it off, or ignore it with a reason",
                    field.name
                ),
            };
        }
    }
}
