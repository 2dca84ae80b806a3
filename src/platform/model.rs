//! The platform itself and what holds for all of its objects.

use super::{Field, Http, Limits, Object, Quirk, Tiered, words};
use crate::{
    diag::{FileId, Span},
    ident::ObjectId,
    value::Type,
};

/// A platform, resolved from its file.
#[derive(Clone, Debug)]
pub struct Platform {
    /// Its name, as in file names and mappings (`freshsales`).
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// Another way to the same records: the platform it takes the place of as a source.
    pub variant: Option<Variant>,
    /// The day its facts were checked, `YYYY-MM-DD`.
    pub checked: String,
    /// The names of its tiers, smallest first; may be empty.
    pub tiers: Vec<String>,
    /// How it is reached.
    pub connect: Connect,
    /// Rate limits and retries.
    pub limits: Limits,
    /// Switches for what is unknown or surprising.
    pub quirks: Vec<Quirk>,
    /// How custom fields work here; `None` when there are none.
    pub custom: Option<CustomRules>,
    /// The objects. [`ObjectId`] is a position here.
    pub objects: Vec<Object>,
    /// What must sleep during a load.
    pub quiesce: Vec<Quiesce>,
    /// Known traps with their checks.
    pub gotchas: Vec<Gotcha>,
    /// Where the file declares its name.
    pub span: Span,
}

impl Platform {
    /// A platform with nothing but a name and a connection.
    pub fn new(name: impl Into<String>, connect: Connect) -> Platform {
        let name = name.into();
        Platform {
            title: words::in_title_case(&name),
            name,
            variant: None,
            checked: String::new(),
            tiers: Vec::new(),
            connect,
            limits: Limits::default(),
            quirks: Vec::new(),
            custom: None,
            objects: Vec::new(),
            quiesce: Vec::new(),
            gotchas: Vec::new(),
            span: Span {
                file: FileId(0),
                start: 0,
                end: 0,
            },
        }
    }

    /// The object with that name.
    pub fn object(&self, name: &str) -> Option<(ObjectId, &Object)> {
        let ix = self.objects.iter().position(|o| o.name == name)?;
        Some((ObjectId(u16::try_from(ix).ok()?), &self.objects[ix]))
    }

    /// The dotted member of an answered record that holds a field.
    pub fn member_of(&self, field: &Field) -> String {
        let path = field.read_path.as_ref().unwrap_or(&field.path);
        match &self.custom {
            Some(rules) if field.custom && !rules.at.is_empty() => format!("{}.{path}", rules.at),
            _ => path.clone(),
        }
    }

    /// The value a quirk starts with; `None` for an unknown name.
    pub fn quirk(&self, name: &str) -> Option<&str> {
        self.quirks
            .iter()
            .find(|q| q.name == name)
            .map(|q| q.default.as_str())
    }
}

/// What makes a platform file another way to the records of a platform: the same objects and fields, so that one
/// mapping reads both.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The platform whose objects and fields it has.
    pub of: String,
    /// What it cannot give, as `object` or `object.field`, each with the reason.
    pub lacks: Vec<(String, String)>,
    /// Where it is said.
    pub span: Span,
}

/// How a platform is reached.
#[derive(Clone, Debug)]
pub enum Connect {
    /// Files in a folder.
    Files(Files),
    /// An HTTP API.
    Http(Box<Http>),
}

/// Defaults of an export folder.
#[derive(Clone, Debug)]
pub struct Files {
    /// `auto` or an encoding label such as `windows-1252`.
    pub encoding: String,
    /// The cell separator of CSV files; `None` to sniff it (`delimiter: auto`).
    pub delimiter: Option<u8>,
    /// The zone of times without one, an IANA name; `None` is UTC.
    pub zone: Option<String>,
}

/// How custom fields work on a platform.
#[derive(Clone, Debug)]
pub struct CustomRules {
    /// Prefix of API names (`cf_`).
    pub prefix: String,
    /// Member of a record that holds them (`custom_field`); empty: beside the standard fields.
    pub at: String,
    /// True when no public call creates them.
    pub by_hand: bool,
    /// Where a field description keeps its parts, as dotted paths: records, name, label, type, choices, required, standard.
    pub describe: Vec<(String, String)>,
    /// Fields per object and tier.
    pub total_max: Option<Tiered>,
    /// What each of our types becomes; types that are missing here cannot be custom fields.
    pub types: Vec<CustomType>,
}

/// A type a custom field may have.
#[derive(Clone, Debug)]
pub struct CustomType {
    /// Our type.
    pub data_type: Type,
    /// The vendor's word for it.
    pub vendor: String,
    /// Longest text, in characters.
    pub max: Option<u64>,
    /// Digits before the decimal point.
    pub digits: Option<u32>,
    /// Digits after the decimal point.
    pub scale: Option<u32>,
    /// Separator of several values in one text; `None`: a JSON array.
    pub separator: Option<String>,
    /// Most choices.
    pub choices_max: Option<u64>,
    /// Fields of this type per object and tier.
    pub count_max: Option<Tiered>,
}

impl CustomRules {
    /// The API name of a label by the naming rule `snake`: prefix, lower case, spaces to `_`; other
    /// marks stay, as hyphens were seen to survive.
    pub fn api_name(&self, label: &str) -> String {
        let tail: String = label
            .trim()
            .chars()
            .map(|c| if c.is_whitespace() { '_' } else { c })
            .flat_map(char::to_lowercase)
            .collect();
        format!("{}{tail}", self.prefix)
    }

    /// The rule for one of our types.
    pub fn custom_type(&self, data_type: Type) -> Option<&CustomType> {
        self.types.iter().find(|t| t.data_type == data_type)
    }
}

/// Something an admin must switch off before a load.
#[derive(Clone, Debug)]
pub struct Quiesce {
    /// Its id.
    pub id: String,
    /// Who does it.
    pub who: String,
    /// What to do.
    pub say: String,
}

/// A known trap.
#[derive(Clone, Debug)]
pub struct Gotcha {
    /// Its id.
    pub id: String,
    /// The trap in a sentence.
    pub say: String,
    /// The name of its check, or `none`.
    pub check: String,
    /// The object it is about.
    pub of: Option<ObjectId>,
    /// True when a failing check blocks the run.
    pub block: bool,
}
