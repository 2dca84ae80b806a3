//! How well a source field fits a destination field, and why.

use super::{Candidate, Evidence, FieldProposal, SourcePath, object::Pairs, words::Words};
use crate::{
    ident::{FieldId, ObjectId},
    platform::{Field, Object, Platform, Write},
    value::Type,
};
use std::collections::BTreeSet;

/// Candidates below this confidence are not proposed.
const LEAST: f64 = 0.25;

/// No proposal is surer: only a person knows what a field really holds.
const MOST: f64 = 0.97;

/// A field that the destination can do without may be left out on purpose, whatever fits it.
const MOST_OPTIONAL: f64 = 0.9;

/// Scores the fields of one pair of objects.
pub struct Scorer<'a> {
    source: &'a Platform,
    destination: &'a Platform,
    pairs: &'a Pairs,
    from: ObjectId,
    to: ObjectId,
    evidence: &'a Evidence,
}

/// A score in the making.
struct Score {
    confidence: f64,
    reasons: Vec<(f64, String)>,
}

impl<'a> Scorer<'a> {
    /// For records of `from` that become records of `to`.
    pub fn new(
        source: &'a Platform,
        destination: &'a Platform,
        pairs: &'a Pairs,
        from: ObjectId,
        to: ObjectId,
        evidence: &'a Evidence,
    ) -> Scorer<'a> {
        Scorer {
            source,
            destination,
            pairs,
            from,
            to,
            evidence,
        }
    }

    /// What may fill each writable field, at most `kept` candidates each. A source field that fits another destination
    /// field better is less likely here.
    pub fn all(&self, kept: usize) -> Vec<FieldProposal> {
        let Some(to) = self.destination.objects.get(self.to.ix()) else {
            return Vec::new();
        };
        let sources = self.sources();
        let wanted: Vec<(FieldId, &Field)> = fields(to)
            .filter(|(_, f)| f.write != Write::Never && f.data_type != Type::Id && !f.custom)
            .collect();
        let table: Vec<Vec<Option<Score>>> = wanted
            .iter()
            .map(|(_, field)| {
                sources
                    .iter()
                    .map(|(path, object, from)| self.score(*path, object, from, field))
                    .collect()
            })
            .collect();
        let best_of: Vec<f64> = (0..sources.len())
            .map(|s| {
                let column = table.iter().filter_map(|row| row.get(s)?.as_ref());
                column.map(|score| score.confidence).fold(0.0, f64::max)
            })
            .collect();
        wanted
            .iter()
            .zip(&table)
            .filter_map(|((id, _), row)| {
                let mut candidates: Vec<Candidate> = row
                    .iter()
                    .zip(&sources)
                    .zip(&best_of)
                    .filter_map(|((score, (path, _, _)), best)| {
                        let score = score.as_ref()?;
                        // Half of the distance to its own best place.
                        let confidence = score.confidence - (best - score.confidence) / 2.0;
                        let mut reasons = score.reasons.clone();
                        reasons.sort_by(|a, b| b.0.total_cmp(&a.0));
                        (confidence >= LEAST).then(|| Candidate {
                            from: *path,
                            confidence,
                            reasons: reasons.into_iter().map(|(_, r)| r).collect(),
                        })
                    })
                    .collect();
                candidates.sort_by(|a, b| {
                    b.confidence
                        .total_cmp(&a.confidence)
                        .then(a.from.field.cmp(&b.from.field))
                });
                candidates.truncate(kept);
                (!candidates.is_empty()).then_some(FieldProposal {
                    to: *id,
                    candidates,
                })
            })
            .collect()
    }

    /// The fields of the object itself, and those of objects that link it to another (two references and little else).
    fn sources(&self) -> Vec<(SourcePath, &'a Object, &'a Field)> {
        let mut all = Vec::new();
        for (id, object) in (0u16..).map(ObjectId).zip(&self.source.objects) {
            let links = || {
                let refers = |to: ObjectId| object.references().any(|(_, list)| list == [to]);
                let references = object.references().count();
                references == 2 && object.fields.len() <= 6 && refers(self.from)
            };
            for (field, f) in fields(object) {
                let path = SourcePath { object: id, field };
                let away = f
                    .reference
                    .as_ref()
                    .is_some_and(|r| !r.to.contains(&self.from));
                if id == self.from || (away && links()) {
                    all.push((path, object, f));
                }
            }
        }
        all
    }

    fn score(&self, path: SourcePath, object: &Object, from: &Field, to: &Field) -> Option<Score> {
        let linked = path.object != self.from;
        let mut score = match (&from.reference, &to.reference) {
            (Some(_), Some(_)) => self.references(path, from, to)?,
            (None, Some(_)) => self.natural(object, from, to)?,
            (Some(_), None) => return None,
            (None, None) => self.plain(object, from, to)?,
        };
        if linked {
            score.confidence *= 0.85;
            let link = format!("through `{}`, which links the two", object.name);
            score.reasons.push((0.3, link));
        }
        self.weigh_values(path, to, &mut score);
        let most = if self.is_wanted(to) {
            MOST
        } else {
            MOST_OPTIONAL
        };
        score.confidence = score.confidence.clamp(0.0, most);
        Some(score)
    }

    /// True for fields that the destination requires or recognises records by.
    fn is_wanted(&self, field: &Field) -> bool {
        let object = self.destination.objects.get(self.to.ix());
        let is_key = object.is_some_and(|o| {
            let keys = o.keys.iter().flat_map(|k| &k.by);
            let mut named = keys.filter_map(|id| o.fields.get(id.ix()));
            named.any(|f| f.name == field.name)
        });
        field.required || is_key
    }

    /// A reference fills a reference when what it points to becomes what is wanted.
    fn references(&self, path: SourcePath, from: &Field, to: &Field) -> Option<Score> {
        let (have, want) = (from.reference.as_ref()?, to.reference.as_ref()?);
        let fit = have
            .to
            .iter()
            .flat_map(|a| want.to.iter().map(|b| self.pairs.confidence(*a, *b)))
            .fold(0.0, f64::max);
        if fit == 0.0 {
            return None;
        }
        let name = self.names(from, to, &["id", "email", "name"]);
        // The only reference of its kind needs no name.
        let alike = |f: &Field| {
            let r = f.reference.as_ref();
            r.is_some_and(|r| r.to.iter().any(|t| have.to.contains(t)))
        };
        let owner = self.source.objects.get(path.object.ix())?;
        let only = owner.fields.iter().filter(|f| alike(f)).count() == 1;
        let certain = if only { 0.55 } else { 0.3 };
        let target = have
            .to
            .first()
            .and_then(|t| self.source.objects.get(t.ix()));
        let kind = target.map_or("record", |o| o.name.as_str());
        let mut reasons = vec![(0.6 * fit, format!("refers to a {kind}, as the field wants"))];
        if name > 0.0 {
            reasons.push((name, names_reason(from, to, name)));
        }
        // A reference to the record itself is a parent, not any other relation.
        let itself = have.to.contains(&self.from) != want.to.contains(&self.to);
        let confidence = fit * (certain + (0.95 - certain) * name);
        Some(Score {
            confidence: if itself && want.to.len() == 1 {
                confidence * 0.6
            } else {
                confidence
            },
            reasons,
        })
    }

    /// A text may name the record that is wanted.
    fn natural(&self, object: &Object, from: &Field, to: &Field) -> Option<Score> {
        if !from.data_type.is_text() || from.data_type == Type::Html || is_own_id(object, from) {
            return None;
        }
        let name = self.names(from, to, &["id", "email", "name", "title"]);
        (name > 0.3).then(|| Score {
            confidence: 0.85 * name,
            reasons: vec![
                (name, names_reason(from, to, name)),
                (0.2, "may name the record that is wanted".to_owned()),
            ],
        })
    }

    fn plain(&self, object: &Object, from: &Field, to: &Field) -> Option<Score> {
        if is_own_id(object, from) && !matches!(to.data_type, Type::Text | Type::Id) {
            return None;
        }
        let fit = fits(from.data_type, to.data_type)?;
        let name = self.names(from, to, &[]);
        if name == 0.0 {
            return None;
        }
        let mut reasons = vec![(name, names_reason(from, to, name))];
        if fit >= 1.0 {
            reasons.push((0.3, format!("both are {}", to.data_type.name())));
        } else {
            let words = format!("{} into {}", from.data_type.name(), to.data_type.name());
            reasons.push((0.1, words));
        }
        Some(Score {
            confidence: 0.95 * name * (0.7 + 0.3 * fit),
            reasons,
        })
    }

    /// How near the names are: the best of name, label and wire name on both sides, without the words that only name
    /// the object.
    fn names(&self, from: &Field, to: &Field, idle: &[&str]) -> f64 {
        let object = self.source.objects.get(self.from.ix());
        let own = object.map_or("", |o| o.name.as_str());
        let mut best: f64 = 0.0;
        for (i, a) in [&from.name, &from.label, &from.path]
            .into_iter()
            .enumerate()
        {
            for (j, b) in [&to.name, &to.label, &to.path].into_iter().enumerate() {
                let a = Words::of(a).without(idle).without(&[own]);
                let b = Words::of(b).without(idle);
                // The name in the spec says most.
                let weight = if i == 0 && j == 0 { 1.0 } else { 0.97 };
                best = best.max(weight * a.near(&b));
            }
        }
        best
    }

    /// What records say: choices in common speak for it, values of another shape against it.
    fn weigh_values(&self, path: SourcePath, to: &Field, score: &mut Score) {
        let Some(seen) = self.evidence.of(path.object, path.field) else {
            return;
        };
        let shape = match to.data_type {
            Type::Email => Some((seen.share(seen.emails), "e-mail addresses")),
            Type::Int | Type::Decimal => Some((seen.share(seen.numbers), "numbers")),
            Type::Date | Type::DateTime => Some((seen.share(seen.dates), "dates")),
            _ => None,
        };
        if let Some((share, what)) = shape {
            if share < 0.5 {
                score.confidence *= 0.6;
            } else {
                score.confidence += 0.05 * (MOST - score.confidence).max(0.0);
                score.reasons.push((0.2, format!("its values are {what}")));
            }
        }
        let choices = self.choices(to);
        if !choices.is_empty() {
            let overlap = seen.overlap(&choices);
            if overlap > 0.0 {
                score.confidence += overlap * 0.5 * (MOST - score.confidence).max(0.0);
                let percent = (overlap * 100.0).round();
                let words = format!("{percent} % of its values are choices of the field");
                score.reasons.push((overlap, words));
            }
        }
    }

    /// The texts a field can take, as far as the platform file knows.
    fn choices(&self, to: &Field) -> BTreeSet<String> {
        if let Some(values) = &to.values {
            return values.iter().map(|v| v.to_lowercase()).collect();
        }
        let targets = to.reference.iter().flat_map(|r| &r.to);
        targets
            .filter_map(|t| self.destination.objects.get(t.ix()))
            .flat_map(|o| {
                let key = o.keys.first().and_then(|k| k.by.last().copied());
                let rows = o.initial.iter().flatten();
                rows.filter(move |(f, _)| Some(*f) == key)
                    .map(|(_, text)| text.to_lowercase())
            })
            .collect()
    }
}

fn fields(object: &Object) -> impl Iterator<Item = (FieldId, &Field)> {
    (0u16..).map(FieldId).zip(&object.fields)
}

/// The field that identifies records of its object says nothing to people.
fn is_own_id(object: &Object, field: &Field) -> bool {
    field.data_type == Type::Id
        && object.keys.first().is_none_or(|k| {
            k.by.iter().any(|f| {
                object
                    .fields
                    .get(f.ix())
                    .is_some_and(|k| k.name == field.name)
            })
        })
}

fn names_reason(from: &Field, to: &Field, near: f64) -> String {
    let how = if near > 0.99 {
        "the same words"
    } else if near > 0.7 {
        "words of the same meaning"
    } else {
        "some words in common"
    };
    format!("`{}` and `{}`: {how}", from.name, to.name)
}

/// How well a value of one type fits another, from 0.2 to 1; `None`: not at all.
fn fits(from: Type, to: Type) -> Option<f64> {
    use Type::{
        Bool, Bytes, Date, DateTime, Decimal, Email, Enum, File, Html, Id, Int, JsonText, List,
        MultiEnum, Phone, Ref, Tags, Text, Url,
    };
    if from == to {
        return Some(1.0);
    }
    Some(match (from, to) {
        (Ref, _) | (_, Ref) => return None,
        (Text, Html) | (Html, Text) | (Int, Decimal) | (Enum, Text) => 0.95,
        (Text, Email | Phone | Url | Enum) | (Email | Phone | Url | Id, Text) => 0.9,
        (Date, DateTime) | (DateTime, Date) => 0.9,
        (MultiEnum | List, Tags) | (Tags | List, MultiEnum) | (Tags | MultiEnum, List) => 0.9,
        (Decimal, Int) | (Text, Int | Decimal | Date | DateTime) => 0.7,
        (Enum | Text, Bool) => 0.5,
        (Text, Tags | MultiEnum | List | File) | (Int | Decimal | Date | DateTime | Bool, Text) => {
            0.5
        }
        (JsonText | Bytes, _) | (_, JsonText | Bytes) => return None,
        (Tags | MultiEnum | List, Text) => 0.4,
        _ => return None,
    })
}
