//! What the destination must have before a load: custom fields, and what only people can make or switch off.

use super::Load;
use crate::{
    ident::ObjectId,
    mapping::{Create, Mapping},
    platform::Creation,
    value::Type,
};

/// What must be there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifest {
    /// Custom fields by object, in the order of the platform file.
    pub objects: Vec<ObjectNeed>,
    /// True when people create the fields, as no call does.
    pub fields_by_hand: bool,
    /// What people have to do besides.
    pub by_hand: Vec<ByHand>,
}

/// Custom fields of one object.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectNeed {
    /// The destination object.
    pub object: ObjectId,
    /// The fields, by label.
    pub fields: Vec<FieldNeed>,
}

/// A custom field.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldNeed {
    /// Its label.
    pub label: String,
    /// Its API name.
    pub name: String,
    /// Our type.
    pub data_type: Type,
    /// The vendor's word for it.
    pub vendor: String,
    /// Its choices, for types that have some; `None`: observed in the data.
    pub choices: Option<Vec<String>>,
    /// The steps that fill it, by name.
    pub steps: Vec<String>,
}

/// Something people do.
#[derive(Clone, Debug, PartialEq)]
pub enum ByHand {
    /// Make the records of a destination object.
    Records {
        /// The object.
        object: ObjectId,
        /// The step whose records they are.
        step: String,
    },
    /// Keep something from firing during the load.
    Quiesce {
        /// Who does it.
        who: String,
        /// What to do.
        say: String,
    },
    /// Work through a list that the run writes.
    Handoff {
        /// Its name.
        name: String,
        /// What to do.
        say: String,
    },
}

/// Collects the needs of all steps.
pub(super) fn collect(mapping: &Mapping, loads: &[Load]) -> Manifest {
    let destination = &mapping.destination;
    let rules = destination.custom.as_ref();
    let mut manifest = Manifest {
        fields_by_hand: rules.is_some_and(|r| r.by_hand),
        ..Manifest::default()
    };
    let ids = (0..destination.objects.len()).filter_map(|i| Some(ObjectId(u16::try_from(i).ok()?)));
    for (object, id) in destination.objects.iter().zip(ids) {
        let mut fields: Vec<FieldNeed> = Vec::new();
        for step in mapping.steps.iter().filter(|s| s.to == id) {
            for map in &step.fields {
                let Some(create) = &map.create else { continue };
                let name = object
                    .fields
                    .get(map.to.ix())
                    .map_or_else(String::new, |f| f.path.clone());
                match fields.iter_mut().find(|f| f.name == name) {
                    Some(known) => {
                        merge_choices(&mut known.choices, create);
                        if !known.steps.contains(&step.name) {
                            known.steps.push(step.name.clone());
                            known.steps.sort();
                        }
                    }
                    None => fields.push(FieldNeed {
                        label: create.label.clone(),
                        name,
                        data_type: create.data_type,
                        vendor: rules
                            .and_then(|r| r.custom_type(create.data_type))
                            .map_or_else(String::new, |t| t.vendor.clone()),
                        choices: create.values.clone(),
                        steps: vec![step.name.clone()],
                    }),
                }
            }
        }
        if !fields.is_empty() {
            fields.sort_by(|a, b| (&a.label, &a.name).cmp(&(&b.label, &b.name)));
            manifest.objects.push(ObjectNeed { object: id, fields });
        }
        if object.create == Creation::ByHand {
            let mut steps: Vec<&str> = mapping
                .steps
                .iter()
                .zip(loads)
                .filter(|(s, load)| s.to == id && **load == Load::ByHand)
                .map(|(s, _)| s.name.as_str())
                .collect();
            steps.sort_unstable();
            manifest
                .by_hand
                .extend(steps.into_iter().map(|step| ByHand::Records {
                    object: id,
                    step: step.to_owned(),
                }));
        }
    }
    manifest
        .by_hand
        .extend(destination.quiesce.iter().map(|q| ByHand::Quiesce {
            who: q.who.clone(),
            say: q.say.clone(),
        }));
    manifest
        .by_hand
        .extend(mapping.handoffs.iter().map(|h| ByHand::Handoff {
            name: h.name.clone(),
            say: h.say.clone().unwrap_or_default(),
        }));
    manifest
}

/// Listed choices add up; once observed, always observed.
fn merge_choices(known: &mut Option<Vec<String>>, create: &Create) {
    match (known.as_mut(), &create.values) {
        (Some(all), Some(more)) => {
            for choice in more {
                if !all.contains(choice) {
                    all.push(choice.clone());
                }
            }
        }
        _ => *known = None,
    }
}

impl FieldNeed {
    /// True when the type has choices.
    pub fn has_choices(&self) -> bool {
        matches!(self.data_type, Type::Enum | Type::MultiEnum)
    }
}
