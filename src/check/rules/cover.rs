//! Sets of records that a condition holds for, as far as simple reasoning goes.
//!
//! A condition becomes an "or" of "and"s; each "and" says for some values which they may be: texts, ranges of
//! numbers or days, blank or not. What cannot be reasoned about (a comparison of two fields, `contains`)
//! is a switch of its own, equal only to itself. No answer is ever given that is not sure.

use crate::{
    mapping::{Compare, Input, Operand, When},
    platform::Object,
    value::{Scalar, Type},
};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// More alternatives than this are not looked at.
const MOST: usize = 64;
/// Of all rows of a split together.
const ALL_TERMS: usize = 512;

/// Which values one operand may have.
#[derive(Clone, Debug, PartialEq)]
struct Set {
    blank: bool,
    present: Present,
}

#[derive(Clone, Debug, PartialEq)]
enum Present {
    Texts {
        list: BTreeSet<String>,
        except: bool,
    },
    Numbers(Vec<Range>),
    All,
    None,
}

/// From a bound to a bound; `true` when the bound itself is in. `None`: without end.
type Bound = Option<(Decimal, bool)>;
#[derive(Clone, Debug, PartialEq)]
struct Range {
    low: Bound,
    high: Bound,
}

impl Set {
    const ALL: Set = Set {
        blank: true,
        present: Present::All,
    };

    fn not(&self) -> Set {
        Set {
            blank: !self.blank,
            present: match &self.present {
                Present::All => Present::None,
                Present::None => Present::All,
                Present::Texts { list, except } => Present::Texts {
                    list: list.clone(),
                    except: !except,
                },
                Present::Numbers(ranges) => Present::Numbers(outside(ranges)),
            },
        }
    }

    fn and(&self, other: &Set) -> Set {
        use Present::{All, None, Numbers, Texts};
        let present = match (&self.present, &other.present) {
            (All, x) | (x, All) => x.clone(),
            (None, _) | (_, None) => None,
            (
                Texts {
                    list: a,
                    except: false,
                },
                Texts {
                    list: b,
                    except: false,
                },
            ) => Texts {
                list: a.intersection(b).cloned().collect(),
                except: false,
            },
            (
                Texts {
                    list: a,
                    except: false,
                },
                Texts {
                    list: b,
                    except: true,
                },
            )
            | (
                Texts {
                    list: b,
                    except: true,
                },
                Texts {
                    list: a,
                    except: false,
                },
            ) => Texts {
                list: a.difference(b).cloned().collect(),
                except: false,
            },
            (Texts { list: a, .. }, Texts { list: b, .. }) => Texts {
                list: a.union(b).cloned().collect(),
                except: true,
            },
            (Numbers(a), Numbers(b)) => Numbers(common(a, b)),
            // Of two families nothing is known; the larger set is the safe answer.
            (a, _) => a.clone(),
        };
        Set {
            blank: self.blank && other.blank,
            present,
        }
    }

    fn is_empty(&self) -> bool {
        !self.blank
            && match &self.present {
                Present::None => true,
                Present::Texts { list, except } => !except && list.is_empty(),
                Present::Numbers(ranges) => ranges.is_empty(),
                Present::All => false,
            }
    }
}

fn common(a: &[Range], b: &[Range]) -> Vec<Range> {
    let mut out = Vec::new();
    for x in a {
        for y in b {
            let low = match (x.low, y.low) {
                (None, l) | (l, None) => l,
                (Some(p), Some(q)) if p.0 == q.0 => Some((p.0, p.1 && q.1)),
                (Some(p), Some(q)) => Some(if p.0 > q.0 { p } else { q }),
            };
            let high = match (x.high, y.high) {
                (None, h) | (h, None) => h,
                (Some(p), Some(q)) if p.0 == q.0 => Some((p.0, p.1 && q.1)),
                (Some(p), Some(q)) => Some(if p.0 < q.0 { p } else { q }),
            };
            let some = match (low, high) {
                (Some(l), Some(h)) => l.0 < h.0 || l.0 == h.0 && l.1 && h.1,
                _ => true,
            };
            if some {
                out.push(Range { low, high });
            }
        }
    }
    out
}

fn outside(ranges: &[Range]) -> Vec<Range> {
    ranges.iter().fold(
        vec![Range {
            low: None,
            high: None,
        }],
        |rest, range| {
            let mut complement = Vec::new();
            if let Some((low, inside)) = range.low {
                complement.push(Range {
                    low: None,
                    high: Some((low, !inside)),
                });
            }
            if let Some((high, inside)) = range.high {
                complement.push(Range {
                    low: Some((high, !inside)),
                    high: None,
                });
            }
            common(&rest, &complement)
        },
    )
}

/// One "and": operand by operand which values it may have.
type Term = BTreeMap<String, Set>;

/// What the values of an object's fields can be at all.
pub(super) struct Space {
    fields: BTreeMap<String, Set>,
}

/// A set of records.
#[derive(Clone, Debug)]
pub(super) struct Cover {
    terms: Vec<Term>,
}

impl Space {
    /// From the declarations: choices, bool, required.
    pub(super) fn of(object: &Object) -> Space {
        let mut fields = BTreeMap::new();
        for (i, field) in object.fields.iter().enumerate() {
            let Ok(id) = u16::try_from(i) else { continue };
            let texts = match (&field.values, field.data_type) {
                (Some(values), Type::Enum) => Some(values.iter().map(|v| fold(v)).collect()),
                (_, Type::Bool) => Some(["true", "false"].map(str::to_owned).into()),
                _ => None,
            };
            let set = Set {
                blank: !field.required,
                present: texts.map_or(Present::All, |list| Present::Texts {
                    list,
                    except: false,
                }),
            };
            fields.insert(name(&Input::Field(crate::ident::FieldId(id))), set);
        }
        Space { fields }
    }

    fn all_of(&self, operand: &str) -> Set {
        self.fields.get(operand).cloned().unwrap_or(Set::ALL)
    }

    /// The records a condition holds for.
    pub(super) fn of_condition(&self, when: &When) -> Cover {
        Cover {
            terms: terms(when, false),
        }
    }

    /// True when one set of values lies within another, given what can be at all.
    fn inside(&self, operand: &str, a: &Set, b: &Set) -> bool {
        a.and(&self.all_of(operand)).and(&b.not()).is_empty()
    }

    fn is_empty(&self, term: &Term) -> bool {
        term.iter().any(|(k, s)| s.and(&self.all_of(k)).is_empty())
    }
}

impl Cover {
    /// No record.
    pub(super) fn none() -> Cover {
        Cover { terms: Vec::new() }
    }

    /// These as well.
    pub(super) fn add(&mut self, other: Cover) {
        // Leaving some out only means that less is known to be taken.
        let room = ALL_TERMS.saturating_sub(self.terms.len());
        self.terms.extend(other.terms.into_iter().take(room));
    }

    /// Surely no record.
    pub(super) fn is_empty(&self, space: &Space) -> bool {
        self.terms.iter().all(|t| space.is_empty(t))
    }

    /// Surely nothing but what `other` holds.
    pub(super) fn within(&self, other: &Cover, space: &Space) -> bool {
        self.terms
            .iter()
            .all(|t| space.is_empty(t) || other.holds(t, space))
    }

    /// Surely every record.
    pub(super) fn is_all(&self, space: &Space) -> bool {
        self.holds(&Term::new(), space)
    }

    fn holds(&self, term: &Term, space: &Space) -> bool {
        let unlimited = |k: &str, s: &Set| space.inside(k, &Set::ALL, s);
        let one = self.terms.iter().any(|t| {
            t.iter().all(|(k, s)| match term.get(k) {
                Some(mine) => space.inside(k, mine, s),
                None => unlimited(k, s),
            })
        });
        if one {
            return true;
        }
        // Several terms that limit one operand only can hold it together.
        let operands: BTreeSet<&String> = self.terms.iter().flat_map(|t| t.keys()).collect();
        operands.into_iter().any(|k| {
            let rest = self
                .terms
                .iter()
                .filter(|t| t.len() == 1)
                .filter_map(|t| t.get(k))
                .fold(Set::ALL, |rest, s| rest.and(&s.not()));
            let mine = term.get(k).cloned().unwrap_or(Set::ALL);
            mine.and(&space.all_of(k)).and(&rest).is_empty()
        })
    }
}

/// The "or" of "and"s of a condition, or of its opposite.
fn terms(when: &When, opposite: bool) -> Vec<Term> {
    match (when, opposite) {
        (When::Not(inner), _) => terms(inner, !opposite),
        (When::Or(list), false) | (When::And(list), true) => {
            let all: Vec<Term> = list.iter().flat_map(|w| terms(w, opposite)).collect();
            if all.len() > MOST {
                return vec![switch(when, opposite)];
            }
            all
        }
        (When::And(list), false) | (When::Or(list), true) => {
            let parts: Vec<Vec<Term>> = list.iter().map(|w| terms(w, opposite)).collect();
            let size = parts.iter().try_fold(1usize, |n, p| n.checked_mul(p.len()));
            if size.is_none_or(|n| n > MOST) {
                return vec![switch(when, opposite)];
            }
            parts.into_iter().fold(vec![Term::new()], |all, part| {
                all.iter()
                    .flat_map(|a| part.iter().map(move |b| both(a, b)))
                    .collect()
            })
        }
        (atom, opposite) => vec![match of_atom(atom) {
            Some((operand, set)) => Term::from([(operand, if opposite { set.not() } else { set })]),
            None => switch(atom, opposite),
        }],
    }
}

fn both(a: &Term, b: &Term) -> Term {
    let mut out = a.clone();
    for (k, s) in b {
        let set = out.get(k).map_or_else(|| s.clone(), |mine| mine.and(s));
        out.insert(k.clone(), set);
    }
    out
}

/// A condition that is only equal to itself.
fn switch(when: &When, opposite: bool) -> Term {
    let on = Set {
        blank: false,
        present: Present::All,
    };
    Term::from([(format!("{when:?}"), if opposite { on.not() } else { on })])
}

fn of_atom(when: &When) -> Option<(String, Set)> {
    let present = |present| Set {
        blank: false,
        present,
    };
    let input = |operand: &Operand| match operand {
        Operand::Input(input) => Some(name(input)),
        Operand::Literal(_) => None,
    };
    Some(match when {
        When::True(o) => (input(o)?, present(texts(["true".to_owned()], false))),
        When::Present(o) => (input(o)?, present(Present::All)),
        When::Blank(o) => (
            input(o)?,
            Set {
                blank: true,
                present: Present::None,
            },
        ),
        When::In(o, literals) => {
            let sets = literals
                .iter()
                .map(|l| compared(Compare::Equal, l))
                .collect::<Option<Vec<_>>>()?;
            let none = sets.iter().fold(present(Present::All), |rest, p| {
                rest.and(&present(p.clone()).not())
            });
            // What is in none of them, turned round among the present values.
            (input(o)?, none.not().and(&present(Present::All)))
        }
        When::Compare(Operand::Input(a), op, Operand::Literal(b)) => {
            (name(a), present(compared(*op, b)?))
        }
        When::Compare(Operand::Literal(a), op, Operand::Input(b)) => {
            let turned = match op {
                Compare::Less => Compare::Greater,
                Compare::AtMost => Compare::AtLeast,
                Compare::Greater => Compare::Less,
                Compare::AtLeast => Compare::AtMost,
                same => *same,
            };
            (name(b), present(compared(turned, a)?))
        }
        _ => return None,
    })
}

fn texts<const N: usize>(list: [String; N], except: bool) -> Present {
    Present::Texts {
        list: list.into(),
        except,
    }
}

/// The values that compare like this with a literal.
fn compared(op: Compare, literal: &Scalar) -> Option<Present> {
    let number = match literal {
        Scalar::Int(i) | Scalar::Bytes(i) => Some(Decimal::from(*i)),
        Scalar::Decimal(d) => Some(*d),
        Scalar::Date(d) => {
            let days = d.duration_since(jiff::civil::date(1970, 1, 1)).as_hours() / 24;
            Some(Decimal::from(days))
        }
        _ => None,
    };
    if let Some(n) = number {
        let range = |low, high| vec![Range { low, high }];
        return Some(Present::Numbers(match op {
            Compare::Equal => range(Some((n, true)), Some((n, true))),
            Compare::NotEqual => outside(&range(Some((n, true)), Some((n, true)))),
            Compare::Less => range(None, Some((n, false))),
            Compare::AtMost => range(None, Some((n, true))),
            Compare::Greater => range(Some((n, false)), None),
            Compare::AtLeast => range(Some((n, true)), None),
        }));
    }
    let text = match literal {
        Scalar::Text(t) => fold(t),
        Scalar::Bool(b) => b.to_string(),
        _ => return None,
    };
    match op {
        Compare::Equal => Some(texts([text], false)),
        Compare::NotEqual => Some(texts([text], true)),
        _ => None,
    }
}

fn name(input: &Input) -> String {
    format!("{input:?}")
}

fn fold(text: &str) -> String {
    text.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::FieldId;

    fn field(n: u16) -> Operand {
        Operand::Input(Input::Field(FieldId(n)))
    }

    fn int(op: Compare, n: i64) -> When {
        When::Compare(field(0), op, Operand::Literal(Scalar::Int(n)))
    }

    fn one_of(list: &[&str]) -> When {
        When::In(
            field(1),
            list.iter().map(|t| Scalar::Text((*t).to_owned())).collect(),
        )
    }

    fn space() -> Space {
        let closed = Set {
            blank: false,
            present: Present::Texts {
                list: ["a", "b", "c"].map(str::to_owned).into(),
                except: false,
            },
        };
        Space {
            fields: BTreeMap::from([(name(&Input::Field(FieldId(1))), closed)]),
        }
    }

    #[test]
    fn contradictions_are_empty() {
        let s = space();
        let never = When::And(vec![int(Compare::Less, 3), int(Compare::Greater, 5)]);
        assert!(s.of_condition(&never).is_empty(&s));
        let maybe = When::And(vec![int(Compare::Less, 5), int(Compare::Greater, 3)]);
        assert!(!s.of_condition(&maybe).is_empty(&s));
        assert!(s.of_condition(&one_of(&["x"])).is_empty(&s));
    }

    #[test]
    fn rows_before_can_take_all_together() {
        let s = space();
        let mut before = s.of_condition(&one_of(&["A"]));
        before.add(s.of_condition(&one_of(&["b"])));
        assert!(s.of_condition(&one_of(&["b", "a"])).within(&before, &s));
        assert!(!s.of_condition(&one_of(&["c"])).within(&before, &s));
        assert!(!before.is_all(&s));
        before.add(s.of_condition(&When::Not(Box::new(one_of(&["a", "b"])))));
        assert!(before.is_all(&s));
    }

    #[test]
    fn ranges_join_and_blank_stays_outside() {
        let s = space();
        let mut before = s.of_condition(&int(Compare::AtMost, 5));
        before.add(s.of_condition(&int(Compare::Greater, 5)));
        assert!(s.of_condition(&int(Compare::Equal, 7)).within(&before, &s));
        assert!(!before.is_all(&s), "a blank number is in neither");
        before.add(s.of_condition(&When::Blank(field(0))));
        assert!(before.is_all(&s));
    }

    #[test]
    fn narrower_conditions_are_within_wider_ones() {
        let s = space();
        let wide = s.of_condition(&int(Compare::Greater, 0));
        let narrow = s.of_condition(&When::And(vec![int(Compare::Greater, 10), one_of(&["a"])]));
        assert!(narrow.within(&wide, &s));
        assert!(!wide.within(&narrow, &s));
        let odd = When::Contains(field(2), "x".into());
        assert!(s.of_condition(&odd).within(&s.of_condition(&odd), &s));
        assert!(
            !s.of_condition(&When::Not(Box::new(odd.clone())))
                .within(&s.of_condition(&odd), &s)
        );
    }
}
